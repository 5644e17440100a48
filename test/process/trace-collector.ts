import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as a collector gets it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 2 server, 3 client, 4 producer, 5 consumer; 1 none of them. */
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[];
  readonly status: { readonly code: number };
  /** Whose it is: `service.instance.id`. */
  readonly member: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Takes spans by OTLP over HTTP, and can be away for a while. */
export class TraceCollector {
  readonly spans: CollectedSpan[] = [];
  /** Requests that it was away for. */
  refused = 0;
  isAway = false;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        if (this.isAway) {
          this.refused++;
          request.socket.destroy();
          return;
        }
        this.#take(JSON.parse(body) as Document);
        response.setHeader("content-type", "application/json").end("{}");
      });
    });
  }

  static async start(): Promise<TraceCollector> {
    const server = createServer();
    const collector = new TraceCollector(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  of(traceId: string): CollectedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #take({ resourceSpans }: Document): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const member = String(attributesOf(resource.attributes)["service.instance.id"]);
      for (const { spans } of scopeSpans) {
        for (const span of spans) this.spans.push({ ...span, member, attributes: attributesOf(span.attributes) });
      }
    }
  }
}

type RawAttributes = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

interface Document {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: RawAttributes };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<CollectedSpan, "member" | "attributes"> & {
        readonly attributes: RawAttributes;
      })[];
    }[];
  }[];
}

function attributesOf(attributes: RawAttributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
