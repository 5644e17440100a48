import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { checkTracer, type Span, type Tracer } from "../../telemetry/index.ts";
import { endHandledSpan, startHandledSpan } from "../http-server/index.ts";

export interface TracingPluginOptions {
  readonly tracer: Tracer;
}

const register: FastifyPluginAsync<TracingPluginOptions> = async (app, { tracer }) => {
  checkTracer("fastify.tracer", tracer);
  const underWay = new WeakMap<FastifyRequest, Span>();

  app.addHook("onRequest", (request, reply, next) => {
    const { method, headers, routeOptions } = request;
    const { traceparent, tracestate } = headers;
    const [path = ""] = request.url.split("?");
    const span = startHandledSpan(tracer, { method, path, traceparent, tracestate });
    underWay.set(request, span);
    // Also where the answer never ends as it should: the client has gone, or the connection broke.
    reply.raw.once("close", () => {
      const { writableFinished, statusCode } = reply.raw;
      endHandledSpan(span, method, routeOptions.url, writableFinished ? statusCode : undefined);
    });
    tracer.run(span, next);
  });
  // Again after the body has been read, which goes on where the connection's bytes come from.
  app.addHook("preValidation", (request, _reply, next) => tracer.run(underWay.get(request), next));
};

/**
 * Answers each request in a span, of the trace that its `traceparent` names or a new one. The span is named by method and
 * route, and ends with the response.
 *
 * It concerns the instance it is registered on and all below it, not a scope of its own.
 *
 * @throws InvalidArgumentError for what is no tracer
 * @example
 * await app.register(tracingPlugin, { tracer });
 */
export const tracingPlugin: FastifyPluginAsync<TracingPluginOptions> = Object.assign(register, {
  // What the package fastify-plugin would set.
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "holdfast-tracing",
  [Symbol.for("plugin-meta")]: { name: "holdfast-tracing", fastify: "5.x" },
});
