import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ClusterView, LiveMessage } from "holdfast/telemetry";
import { clusterOf, fixtureNow, storyTrouble } from "./live-fixture.ts";
import { sendPageFile } from "../../packages/server/src/dashboard/page-files.ts";

/** A request that changes or reads something, as the page sent it. */
export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

export interface ReplayOptions {
  /** What every stream begins with. */
  readonly first: () => readonly LiveMessage[];
  /** What requests must bring; none by default. */
  readonly token?: string;
  /** Answers what the page asks for, by `POST faults`; else 404 with a problem document. */
  readonly answers?: Readonly<Record<string, (request: SentRequest) => unknown>>;
  /** Where a reverse proxy puts all of it: `/ops/holdfast`. */
  readonly prefix?: string;
}

/** Stands in for a cluster: the real page, and a stream that says what a test wants. */
export interface ReplayServer {
  /** Of the page. */
  readonly url: string;
  readonly requests: readonly SentRequest[];
  /** The ids that streams asked to go on from; undefined for one that began. */
  readonly resumes: readonly (string | undefined)[];
  /** How many pages listen now. */
  readonly streams: number;
  send(...messages: readonly LiveMessage[]): void;
  /** Writes what is no message. */
  sendRaw(data: string): void;
  /** Ends every stream; `refuse` lets nobody come back until it is called again with false. */
  cut(refuse: boolean): void;
  close(): Promise<void>;
}

const dataRoot = "/holdfast/v1/dashboard/";

export async function replayServer({ first, token, answers = {}, prefix = "" }: ReplayOptions): Promise<ReplayServer> {
  const streams = new Set<ServerResponse>();
  const requests: SentRequest[] = [];
  const resumes: (string | undefined)[] = [];
  let isRefusing = false;
  let lastId = 0;

  const written = (data: string): string => `id: r-${++lastId}\ndata: ${data}\n\n`;

  function openStream(request: IncomingMessage, response: ServerResponse): void {
    const resume = request.headers["last-event-id"];
    resumes.push(Array.isArray(resume) ? resume[0] : resume);
    if (isRefusing) return void response.destroy();
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    streams.add(response);
    response.on("close", () => streams.delete(response));
    for (const message of first()) response.write(written(JSON.stringify(message)));
  }

  async function answerData(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const { authorization, "content-type": type } = request.headers;
    if (token !== undefined && authorization !== `Bearer ${token}`)
      return sendJson(response, 401, { title: "No token" });
    if (path === `${dataRoot}stream`) return openStream(request, response);
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body: unknown = text === "" || type === undefined ? undefined : JSON.parse(text);
    const sent: SentRequest = { method: request.method ?? "", path, body, authorization };
    requests.push(sent);
    const name = `${sent.method} ${path.startsWith(dataRoot) ? path.slice(dataRoot.length) : path}`;
    const answer = answers[name];
    if (answer === undefined)
      return sendJson(response, 404, { title: "Not Found", detail: `nobody answers ${name}`, status: 404 });
    sendJson(response, 200, answer(sent));
  }

  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
    if (!asked.startsWith(`${prefix}/`)) return sendJson(response, 404, { title: `${asked} is somebody else's` });
    const pathname = asked.slice(prefix.length);
    const done = pathname.startsWith("/dashboard/")
      ? sendPageFile(pathname.slice("/dashboard/".length), response, false)
      : answerData(request, response, pathname);
    done.catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { title: "Failed", detail: (error as Error).message });
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}${prefix}/dashboard/`,
    requests,
    resumes,
    get streams() {
      return streams.size;
    },
    send(...messages) {
      const text = messages.map((message) => written(JSON.stringify(message))).join("");
      for (const stream of streams) stream.write(text);
    },
    sendRaw(data) {
      for (const stream of streams) stream.write(written(data));
    },
    cut(refuse) {
      isRefusing = refuse;
      for (const stream of streams) stream.destroy();
    },
    close() {
      for (const stream of streams) stream.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

/** Goes on telling the cluster's state, as a live one does; gives the function that ends it. */
export function ticking(
  server: ReplayServer,
  cluster: () => ClusterView = storyCluster,
  everyMs: number = 250,
): () => void {
  const timer = setInterval(() => server.send({ type: "cluster", cluster: cluster() }), everyMs);
  return () => clearInterval(timer);
}

function storyCluster(): ClusterView {
  return clusterOf({ at: fixtureNow, ...storyTrouble });
}

function sendJson(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(document));
}
