import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fastify, { type FastifyReply } from "fastify";
import { HoldfastError, InvalidArgumentError } from "holdfast/errors/base";
import type { FaultRegistry, LiveFaultRequest } from "holdfast/proof";
import type { Address } from "holdfast/runtime";
import { healPage } from "./heal-page.ts";
import { isLocalHost, refuse } from "./request-guard.ts";
import { fromToxiproxy } from "./toxiproxy-names.ts";

export interface FaultApiOptions {
  readonly registry: FaultRegistry;
  readonly listen: Address;
  /** Asked of every request as `Authorization: Bearer …`. Needed where other machines reach the port. */
  readonly token?: string;
  /** Lets it listen at addresses that other machines reach. Default false. */
  readonly allowRemote?: boolean;
}

export interface FaultApi extends AsyncDisposable {
  readonly address: Address;
  close(): Promise<void>;
}

const statuses: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  NOT_OPTED_IN: 403,
  UNKNOWN_TARGET: 404,
  UNKNOWN_FAULT: 404,
  FAULT_EXISTS: 409,
  TOO_MANY_FAULTS: 429,
  FAULT_STUCK: 503,
  REGISTRY_CLOSED: 503,
};

const maxBodyBytes = 64 * 1024;
const requestTimeoutMs = 10_000;

/**
 * Serves a registry of live faults over HTTP: what there is, a new one, the end of one, the end of all.
 *
 * @throws InvalidArgumentError for an address that other machines reach without `allowRemote` and a token; Error with
 * Node's `code` (`EADDRINUSE`, …)
 */
export async function serveFaults(options: FaultApiOptions): Promise<FaultApi> {
  const { registry, listen, token, allowRemote = false } = options;
  const isLocal = isLocalHost(listen.host);
  if (!isLocal && (!allowRemote || token === undefined)) {
    const rule = "must be an address of this machine alone, unless there is allowRemote and a token";
    throw new InvalidArgumentError("faultApi.listen", rule, listen.host);
  }
  const server = createServer({ requestTimeout: requestTimeoutMs });
  const app = fastify({
    serverFactory: (handler) => server.on("request", handler),
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
  });

  // Clients name a type also where there is no body.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, body === "" ? undefined : JSON.parse(String(body)));
    } catch (error) {
      done(new InvalidArgumentError("the body", `must be JSON: ${(error as Error).message}`, body));
    }
  });
  app.addHook("onRequest", async (request, reply) => {
    const refusal = refuse(request.raw, { token, isLocal });
    if (refusal === undefined) return;
    const { status, code, message } = refusal;
    await reply.code(status).send({ error: { code, message } });
  });
  // A page is only a button: what it asks for goes through the same door.
  if (token === undefined) {
    app.get("/", (_request, reply) => reply.header("content-type", "text/html; charset=utf-8").send(healPage));
  }
  app.get("/holdfast/v1/faults", () => ({
    targets: registry.targets,
    faults: registry.faults,
    counts: registry.counts,
  }));
  app.post("/holdfast/v1/faults", async (request, reply) => {
    const fault = await registry.inject(readRequest(request.body));
    return reply.code(201).send(fault);
  });
  app.post("/holdfast/v1/faults/heal", () => registry.healAll());
  app.delete<{ Params: { id: string } }>("/holdfast/v1/faults/:id", (request) => registry.remove(request.params.id));
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: { code: "NOT_FOUND", message: "there is no such page" } }),
  );
  app.setErrorHandler((error, _request, reply) => answerError(error, reply));

  await app.listen({ host: listen.host, port: listen.port });
  const { address: host, port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= app.close());
  return { address: { host, port }, close, [Symbol.asyncDispose]: close };
}

/** A request as it came, perhaps in Toxiproxy's words. */
function readRequest(body: unknown): LiveFaultRequest {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new InvalidArgumentError("fault", "must be a JSON object", body);
  }
  const request = body as Partial<LiveFaultRequest>;
  if (typeof request.kind !== "string") throw new InvalidArgumentError("fault.kind", "must be text", request.kind);
  const { parameters = {} } = request;
  if (typeof parameters !== "object" || parameters === null) return request as LiveFaultRequest;
  return { ...request, ...fromToxiproxy(request.kind, parameters) } as LiveFaultRequest;
}

function answerError(error: unknown, reply: FastifyReply): void {
  const status = (error as { readonly statusCode?: number }).statusCode;
  const message = error instanceof Error ? error.message : String(error);
  if (HoldfastError.is(error)) {
    void reply.code(statuses[error.code] ?? 500).send({ error: { code: error.code, message } });
  } else if (status !== undefined && status < 500) {
    void reply.code(status).send({ error: { code: "INVALID_ARGUMENT", message } });
  } else void reply.code(500).send({ error: { code: "INTERNAL", message } });
}
