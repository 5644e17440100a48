import type { IncomingMessage, ServerResponse } from "node:http";
import type { HelloMessage } from "holdfast/telemetry";
import type { Address } from "holdfast/runtime";
import { packageVersion } from "../cli/version.ts";
import { openConnections, type ClientTls } from "../client/connections.ts";
import { checkReport } from "./check-report.ts";
import type { FaultDesk } from "./fault-desk.ts";
import { everyMs, LiveHub, type HubOptions } from "./live-hub.ts";
import { LiveStream } from "./live-stream.ts";
import { sendPageFile } from "./page-files.ts";
import type { PlanWatch } from "./plan-watch.ts";
import { dataHeaders, Problem, readJson, sendJson, sendProblem } from "./problem.ts";
import type { GatewayAnswer } from "./key-reader.ts";
import { createGate } from "./request-gate.ts";

export interface DashboardOptions extends Omit<HubOptions, "connections" | "token" | "faults" | "plans"> {
  readonly token?: string | undefined;
  /** Names by which browsers may ask, beside those of this machine and the addresses listened on. */
  readonly hosts?: readonly string[];
  /** What the other members are asked with. */
  readonly tls?: ClientTls | undefined;
  readonly plans?: PlanWatch | undefined;
  readonly faults?: ((hub: LiveHub) => FaultDesk) | undefined;
  /** Faults that are shown, and come from elsewhere. */
  readonly shownFaults?: HubOptions["faults"];
  /** Whether the page may read keys from the JSON gateway beside it. */
  readonly keys?: boolean;
  /** Answers the page's `POST /v3/kv/range`, where no JSON gateway stands beside it. */
  readonly gateway?: (body: string) => Promise<GatewayAnswer>;
  /** Streams at once. Default 64. */
  readonly maxStreams?: number;
}

/** The dashboard of a cluster as one process serves it, beside whatever else its HTTP server does. */
export interface Dashboard {
  readonly hub: LiveHub;
  /** Answers what is the dashboard's, and leaves the rest: false. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Where the server listens, once it does. */
  setListening(addresses: readonly Address[]): void;
  close(): void;
}

const keyPath = "/v3/kv/range";
const pageRoot = "/dashboard/";
const dataRoot = "/holdfast/v1/dashboard/";
const maxReportBytes = 256 * 1024;
/** While nobody looks, a service need not say more often that it is there. */
const unwatchedMs = 6_000;
const maxBodyBytes = 64 * 1024;

type Handler = (exchange: Exchange) => Promise<void> | void;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly ids: readonly string[];
}

export function createDashboard(options: DashboardOptions): Dashboard {
  const { token, hosts = [], tls, plans, keys = true, gateway, maxStreams = 64 } = options;
  const connections = openConnections({ tls });
  let listening: readonly Address[] = [];
  const gate = createGate({ token, hosts, listening: () => listening });
  let desk: FaultDesk | undefined;
  const hub = new LiveHub({
    ...options,
    connections,
    token,
    plans,
    get faults() {
      return desk ?? options.shownFaults;
    },
  });
  desk = options.faults?.(hub);
  desk?.onChange(() => hub.faultsChanged());
  const streams = new Set<LiveStream>();
  let isClosed = false;
  const hello: HelloMessage = {
    type: "hello",
    version: 1,
    servedBy: options.servedBy,
    release: packageVersion(),
    allows: { faults: desk !== undefined, plans: plans !== undefined, keys },
    everyMs,
  };

  function openStream({ request, response, query }: Exchange): void {
    if (isClosed) throw new Problem(503, "this server is stopping");
    if (streams.size >= maxStreams)
      throw new Problem(503, `there are ${maxStreams} streams already`, { "retry-after": "5" });
    const { position, isFromElsewhere } = placeOf(request, query, hub);
    const stream: LiveStream = new LiveStream({
      hub,
      response,
      hello,
      position,
      isFromElsewhere,
      onEnd: () => void streams.delete(stream),
    });
    streams.add(stream);
    stream.start();
  }

  const routes: Readonly<Record<string, Handler>> = {
    "GET stream": openStream,
    "GET services": ({ response, query }) => {
      hub.asked();
      const { shelf } = hub;
      const since = Number(query.get("since") ?? 0);
      sendJson(response, 200, {
        version: shelf.ownVersion,
        services: shelf.own(Number.isSafeInteger(since) && since > 0 ? since : 0),
        left: shelf.left(),
        ...(shelf.ownRefused === undefined ? {} : { refused: shelf.ownRefused }),
      });
    },
    "GET history": ({ response, query }) => {
      const since = Number(query.get("since") ?? 0);
      sendJson(response, 200, hub.ownHistory(Number.isSafeInteger(since) && since > 0 ? since : 0));
    },
    "POST services": async ({ request, response }) => {
      const { shelf } = hub;
      try {
        const body = await readJson(request, maxReportBytes);
        const report = checkReport(body);
        shelf.take(report, Number(request.headers["content-length"] ?? JSON.stringify(body).length));
      } catch (error) {
        // What the shelf itself does not take, it has counted.
        throw error instanceof Problem && ![409, 429].includes(error.status) ? shelf.refuse(error) : error;
      }
      response.writeHead(204, hub.isWatched ? {} : { "holdfast-next-ms": unwatchedMs }).end();
    },
    "DELETE services/*/*": ({ response, ids: [service = "", instance = ""], query }) => {
      hub.shelf.leave({ service, instance, startedAt: Number(query.get("startedAt")) });
      response.writeHead(204).end();
    },
    "POST faults": async ({ request, response }) => {
      const at = faults();
      sendJson(response, 201, await at.inject(await readJson(request, maxBodyBytes)));
    },
    "DELETE faults/*": async ({ response, ids }) => sendJson(response, 200, await faults().remove(ids[0] ?? "")),
    "POST heal": async ({ response }) => sendJson(response, 200, await faults().heal()),
    "GET plans/*": async ({ response, ids }) => sendJson(response, 200, await planDesk().report(ids[0] ?? "")),
    "POST plans/*/approve": async ({ request, response, ids }) => {
      await planDesk().approve(ids[0] ?? "", await readJson(request, maxBodyBytes));
      response.writeHead(204).end();
    },
    "POST plans/*/cancel": async ({ request, response, ids }) => {
      await planDesk().cancel(ids[0] ?? "", await readJson(request, maxBodyBytes));
      response.writeHead(204).end();
    },
  };

  function faults(): FaultDesk {
    if (desk !== undefined) return desk;
    throw new Problem(403, "no faults are allowed here: holdfast up --allow-faults starts a cluster where they are");
  }

  function planDesk(): PlanWatch {
    if (plans !== undefined) return plans;
    throw new Problem(404, "plans are not kept here");
  }

  async function answerData(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    try {
      gate.checkData(request);
    } catch (error) {
      // A service with a wrong token is missed on the page, and why is said there.
      const isReport = request.method === "POST" && url.pathname === `${dataRoot}services`;
      throw isReport && error instanceof Problem && error.status === 401 ? hub.shelf.refuse(error) : error;
    }
    const found = find(routes, request.method ?? "GET", url.pathname.slice(dataRoot.length));
    await found.handler({ request, response, query: url.searchParams, ids: found.ids });
  }

  async function answerPage(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    gate.checkPage(request);
    const isHead = request.method === "HEAD";
    if (request.method !== "GET" && !isHead) throw new Problem(405, "the page is only read", { allow: "GET, HEAD" });
    const { pathname } = url;
    if (pathname.startsWith(pageRoot)) return await sendPageFile(pathname.slice(pageRoot.length), response, isHead);
    if (pathname !== "/" && `${pathname}/` !== pageRoot) throw new Problem(404, "there is no such file");
    response.writeHead(302, { location: pageRoot, "cache-control": "no-store", vary: "accept" }).end();
  }

  /** The page reads keys; it writes none. */
  async function answerKeys(request: IncomingMessage, response: ServerResponse): Promise<void> {
    gate.checkData(request);
    if (gateway === undefined || request.method !== "POST") throw new Problem(405, "use POST", { allow: "POST" });
    const { status, body } = await gateway(JSON.stringify((await readJson(request, maxBodyBytes)) ?? {}));
    response.writeHead(status, { "content-type": "application/json", ...dataHeaders }).end(body);
  }

  return {
    hub,
    handle(request, response) {
      const { url: target = "/" } = request;
      const isData = target.startsWith(dataRoot);
      const isKeys = gateway !== undefined && target === keyPath;
      if (!isData && !isKeys && !isPagePath(target, request)) return false;
      const url = URL.parse(target, "http://server");
      const answer = isKeys ? answerKeys : isData ? answerData : answerPage;
      const answered =
        url === null ? Promise.reject(new Problem(400, "the path is none")) : answer(request, response, url);
      answered.catch((error: unknown) => {
        const problem =
          error instanceof Problem ? error : new Problem(500, error instanceof Error ? error.message : String(error));
        // What is left of a body is nobody's next request.
        if (!request.complete) response.once("finish", () => request.destroy());
        sendProblem(response, problem);
      });
      return true;
    },
    setListening: (addresses) => void (listening = addresses),
    close() {
      isClosed = true;
      for (const stream of streams) stream.cut("closing");
      hub.close();
      connections.close();
    },
  };
}

/** The page's own paths; and the root, for browsers: programs get there what they always got. */
function isPagePath(target: string, { method, headers }: IncomingMessage): boolean {
  if (target.startsWith(pageRoot) || target === "/dashboard") return true;
  return target === "/" && method === "GET" && /\btext\/html\b/.test(headers.accept ?? "");
}

/** @throws Problem 404, 405 */
function find(
  routes: Readonly<Record<string, Handler>>,
  method: string,
  path: string,
): { readonly handler: Handler; readonly ids: readonly string[] } {
  const parts = path.split("/");
  const allowed: string[] = [];
  for (const [route, handler] of Object.entries(routes)) {
    const [verb = "", pattern = ""] = route.split(" ");
    const wanted = pattern.split("/");
    if (wanted.length !== parts.length || !wanted.every((part, at) => part === "*" || part === parts[at])) continue;
    if (verb === method) return { handler, ids: parts.filter((_, at) => wanted[at] === "*").map(decodePart) };
    allowed.push(verb);
  }
  if (allowed.length === 0) throw new Problem(404, "there is nothing at this path");
  throw new Problem(405, `use ${allowed.join(" or ")}`, { allow: allowed.join(", ") });
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Problem(400, "the path is not encoded as paths are");
  }
}

/** From where on a page wants events: where it was, if that was here; else all that there are. @throws Problem 400 */
function placeOf(
  request: IncomingMessage,
  query: URLSearchParams,
  { log }: LiveHub,
): { readonly position: number; readonly isFromElsewhere: boolean } {
  const header = request.headers["last-event-id"];
  const since = (typeof header === "string" && header !== "" ? header : undefined) ?? query.get("since");
  if (since === null || since === "") return { position: 0, isFromElsewhere: false };
  if (since === "now") return { position: log.last, isFromElsewhere: false };
  const [, run, digits] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(since) ?? [];
  if (run === undefined) throw new Problem(400, 'Last-Event-ID or since must be the id of an event, or "now"');
  const isFromElsewhere = run !== log.run;
  return { position: isFromElsewhere ? 0 : Math.min(Number(digits), log.last), isFromElsewhere };
}
