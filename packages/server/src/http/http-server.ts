import { createServer, type Server, type ServerResponse } from "node:http";
import { grpcCode } from "../grpc/status-code.ts";
import fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from "fastify";
import type { Member } from "holdfast/coordination";
import type { Dashboard } from "../dashboard/dashboard.ts";
import { foreignPage } from "../dashboard/request-gate.ts";
import type { Dispatcher } from "../etcd/dispatcher.ts";
import { etcdClusterVersion, etcdCompatibleVersion } from "../etcd/version.ts";
import type { EventStreams } from "./event-stream.ts";
import { registerGateway, sendFailure, sendJson } from "./gateway.ts";
import { registerHealth } from "../health/health-routes.ts";
import type { MemberHealth } from "../health/member-health.ts";
import { isHealthy } from "./health.ts";
import { errorBody, httpStatusOf } from "./http-status.ts";
import { statusDocument } from "./member-status.ts";
import type { MetricsPage } from "./metrics-page.ts";
import { watchConnections } from "./watch-connections.ts";
import { membersDocument, type MembershipView } from "./members-document.ts";

export interface HttpServerOptions {
  readonly member: Member;
  /** Undefined where nobody watches the members. */
  readonly membership: MembershipView | undefined;
  /** Undefined where nothing is recorded. */
  readonly events: EventStreams | undefined;
  readonly dispatcher: Dispatcher;
  readonly health: MemberHealth;
  readonly metrics: MetricsPage;
  /** Undefined where there is none. */
  readonly dashboard: Dashboard | undefined;
  /** Names of this server that pages of its own may have, beside those of this machine. */
  readonly hosts: readonly string[];
  /** Of a request, in protobuf; the same request in JSON may be longer by base64's third. */
  readonly maxMessageBytes: number;
}

/** A whole request must have arrived within this time. */
const requestTimeoutMs = 60_000;

/** Longer than clients usually keep a connection, so that they close it rather than find it closed. */
const keepAliveTimeoutMs = 75_000;

/** Makes the HTTP/1.1 server with all its routes; it listens nowhere yet. */
export async function createHttpServer(options: HttpServerOptions): Promise<Server> {
  const { member, membership, events, dispatcher, health, metrics, dashboard, hosts, maxMessageBytes } = options;
  const server = createServer({
    noDelay: true,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
  });
  const app = fastify({
    serverFactory: (handler) =>
      server.on("request", (request, response) => {
        if (dashboard?.handle(request, response) === true) return;
        const reason = foreignPage(request, hosts);
        if (reason === undefined) handler(request, response);
        else refuse(response, reason);
      }),
    bodyLimit: Math.ceil((maxMessageBytes * 4) / 3),
    requestTimeout: requestTimeoutMs,
    exposeHeadRoutes: false,
    frameworkErrors: (error, _request, reply) => answerError(error, reply),
  });

  // etcd reads every body as JSON, whatever its content type says, and none is an empty request.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));

  registerGateway(app, dispatcher);
  app.get("/health", (_request, reply) => answerHealth(member, reply));
  registerHealth(app, health);
  app.get("/version", (_request, reply) =>
    sendJson(reply, 200, JSON.stringify({ etcdserver: etcdCompatibleVersion, etcdcluster: etcdClusterVersion })),
  );
  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()));
  app.get("/holdfast/v1/status", (_request, reply) => sendJson(reply, 200, JSON.stringify(statusDocument(member))));
  if (membership !== undefined) {
    app.get("/holdfast/v1/members", (_request, reply) =>
      sendJson(reply, 200, JSON.stringify(membersDocument(membership))),
    );
  }

  if (events !== undefined) {
    app.get("/holdfast/v1/events", (request, reply) => {
      reply.hijack();
      events.serve(request.raw, reply.raw);
    });
  }

  app.setNotFoundHandler((request, reply) => answerUnknown(request, reply));
  app.setErrorHandler<FastifyError>((error, _request, reply) => answerError(error, reply));

  await app.ready();
  return watchConnections(server);

  function answerUnknown(request: FastifyRequest, reply: FastifyReply): void {
    const path = request.url.split("?", 1)[0] ?? "";
    const other = request.method === "GET" ? "POST" : "GET";
    const known = app.hasRoute({ method: "GET", url: path }) || app.hasRoute({ method: "POST", url: path });
    reply.header("content-type", "text/plain; charset=utf-8");
    if (known) reply.code(405).header("allow", app.hasRoute({ method: "GET", url: path }) ? "GET" : "POST");
    else reply.code(404);
    reply.send(known ? `Method Not Allowed: use ${other}\n` : `404 page not found\n`);
  }

  function answerError(error: FastifyError, reply: FastifyReply): void {
    if (error.statusCode === 413) {
      const message = `grpc: received message larger than max (${maxMessageBytes} bytes)`;
      return sendFailure(reply, { code: grpcCode.RESOURCE_EXHAUSTED, message });
    }
    const code = (error.statusCode ?? 500) < 500 ? grpcCode.INVALID_ARGUMENT : grpcCode.INTERNAL;
    sendFailure(reply, { code, message: error.message });
  }
}

/** A page of somebody else could otherwise write what it wants: the gateway reads a body whatever it calls itself. */
function refuse(response: ServerResponse, message: string): void {
  const status = { code: grpcCode.PERMISSION_DENIED, message };
  const headers = { "content-type": "application/json", connection: "close" };
  response.writeHead(httpStatusOf(status.code), headers).end(errorBody(status));
}

async function answerHealth(member: Member, reply: FastifyReply): Promise<void> {
  const healthy = await isHealthy(member);
  reply.code(healthy ? 200 : 503).header("content-type", "text/plain; charset=utf-8");
  await reply.send(JSON.stringify({ health: String(healthy) }));
}
