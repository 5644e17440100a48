import type { ServerResponse } from "node:http";
import type { MiddlewareHandler } from "hono";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { CallOutcome, InstrumentedService } from "../../telemetry/index.ts";
import { nodeOf } from "./problem-node-pair.ts";
import { endWithBody } from "./tracked-body.ts";

/** Where only middleware was. */
const nowhere: readonly string[] = ["*", "/*"];

type NodeOutgoing = Pick<ServerResponse, "once" | "writableFinished" | "statusCode">;

/**
 * Middleware that counts requests by route, with how they end and how long they take, and the errors of those that are
 * answered with a status of 500 and above, for the dashboard that an instrumented service appears in. Goes before the
 * routes. A request has ended when the body of its response has, or the client has gone.
 *
 * @throws InvalidArgumentError without a service
 * @example
 * const service = instrumentService({ service: "shop", endpoints: ["http://127.0.0.1:2381"] });
 * app.use(instrument(service));
 */
export function instrument(
  service: Pick<InstrumentedService, "observer"> & Partial<Pick<InstrumentedService, "recordError">>,
): MiddlewareHandler {
  if (typeof service?.observer !== "function") {
    throw new InvalidArgumentError("instrument.service", "must be what instrumentService gives", service);
  }
  return async (context, next) => {
    const startedMs = performance.now();
    const { req } = context;
    const outgoing = nodeOf(context.env)?.outgoing as NodeOutgoing | undefined;
    // The last that fits is the handler's, where there is one.
    const path = req.matchedRoutes.at(-1)?.path ?? "*";
    const observer = service.observer(nowhere.includes(path) ? "(no route)" : `${req.method} ${path}`, "route");
    observer.started();
    let hasEnded = false;
    const end = (outcome: CallOutcome): void => {
      if (hasEnded) return;
      hasEnded = true;
      observer.ended(outcome, performance.now() - startedMs);
    };
    const abandon = (): void => end("abandoned");
    // On Node the response says when it is over, and nothing has to stand between it and the handler's body.
    outgoing?.once("close", () => {
      const { writableFinished, statusCode } = outgoing;
      end(!writableFinished ? "abandoned" : statusCode >= 500 ? "failed" : "succeeded");
    });
    if (outgoing === undefined) req.raw.signal.addEventListener("abort", abandon, { once: true });
    try {
      await next();
    } catch (error) {
      service.recordError?.(error);
      end("failed");
      throw error;
    }
    const { error, res } = context;
    if (error !== undefined && res.status >= 500) service.recordError?.(error);
    if (outgoing !== undefined) return;
    const failed = (status: number): boolean => status >= 500;
    context.res = endWithBody(res, { succeed: () => end("succeeded"), fail: () => end("failed"), abandon }, failed);
  };
}
