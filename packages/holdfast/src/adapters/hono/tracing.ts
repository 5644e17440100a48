import type { MiddlewareHandler } from "hono";
import { checkTracer, type Tracer } from "../../telemetry/index.ts";
import { endHandledSpan, startHandledSpan } from "../http-server/index.ts";

/**
 * Middleware that answers each request in a span, of the trace that its `traceparent` names or a new one. The span is named
 * by method and route, and ends when the handlers have made the response; its body may still be on its way.
 *
 * @throws InvalidArgumentError for what is no tracer
 * @example
 * app.use(tracing(tracer));
 */
export function tracing(tracer: Tracer): MiddlewareHandler {
  checkTracer("hono.tracer", tracer);
  return async (context, next) => {
    const { req } = context;
    const span = startHandledSpan(tracer, {
      method: req.method,
      path: req.path,
      traceparent: req.header("traceparent"),
      tracestate: req.header("tracestate"),
    });
    let status: number | undefined;
    try {
      await tracer.run(span, next);
      if (context.error !== undefined) span.fail(context.error);
      ({ status } = context.res);
    } catch (error) {
      span.fail(error);
      status = 500;
      throw error;
    } finally {
      // The last that was matched: the handler's, where one was found.
      const { routePath } = req;
      endHandledSpan(span, req.method, routePath.includes("*") ? undefined : routePath, status);
    }
  };
}
