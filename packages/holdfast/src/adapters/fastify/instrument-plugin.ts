import { tracingChannel } from "node:diagnostics_channel";
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { CallObserver, InstrumentedService } from "../../telemetry/index.ts";

export interface InstrumentPluginOptions {
  /** What `instrumentService` gives. It is closed with the app. */
  readonly service: Pick<InstrumentedService, "observer" | "close"> & Partial<Pick<InstrumentedService, "recordError">>;
}

/** On the request itself: an entry in a weak map for each of them costs the collector more than all the rest. */
const underWay: unique symbol = Symbol("holdfast.instrumented");

interface Instrumented {
  [underWay]?: { readonly by: object; readonly observer: CallObserver; error?: unknown };
}

const register: FastifyPluginAsync<InstrumentPluginOptions> = async (app, { service }) => {
  if (typeof service?.observer !== "function") {
    throw new InvalidArgumentError("fastify.service", "must be what instrumentService gives", service);
  }

  app.addHook("onRequest", (request: FastifyRequest & Instrumented, reply, next) => {
    const { method, url } = request.routeOptions;
    // What no route is for has one name, whatever its paths are.
    const name = url === undefined ? "(no route)" : `${typeof method === "string" ? method : request.method} ${url}`;
    const observer = service.observer(name, "route");
    const call: NonNullable<Instrumented[typeof underWay]> = { by: service, observer };
    request[underWay] = call;
    observer.started();
    // Also where the answer never ends as it should: the client has gone, or the connection broke.
    reply.raw.once("close", () => {
      const { writableFinished, statusCode } = reply.raw;
      const hasFailed = statusCode >= 500;
      observer.ended(!writableFinished ? "abandoned" : hasFailed ? "failed" : "succeeded", reply.elapsedTime);
      // One that was made an answer of another kind is none of the service's.
      if (hasFailed && call.error !== undefined) service.recordError?.(call.error);
    });
    next();
  });
  // Handlers' errors are told there before any error handler makes something else of them, hooks' are not.
  const handlers = tracingChannel<unknown, { readonly request?: FastifyRequest & Instrumented }>(
    "fastify.request.handler",
  );
  const onHandlerError = ({ request, error }: { readonly request?: Instrumented; readonly error?: unknown }): void => {
    const call = request?.[underWay];
    if (call?.by === service) call.error ??= error;
  };
  handlers.error.subscribe(onHandlerError as (message: unknown) => void);
  app.addHook("onError", async (request: FastifyRequest & Instrumented, _reply, error) => {
    const call = request[underWay];
    if (call !== undefined) call.error ??= error;
  });
  app.addHook("onClose", async () => {
    handlers.error.unsubscribe(onHandlerError as (message: unknown) => void);
    await service.close();
  });
};

/**
 * Counts requests by route, with how they end and how long they take, and the errors of those that are answered with a
 * status of 500 and above, for the dashboard that an instrumented service appears in.
 *
 * It concerns the instance it is registered on and all below it, not a scope of its own.
 *
 * @throws InvalidArgumentError without a service
 * @example
 * const service = instrumentService({ service: "shop", endpoints: ["http://127.0.0.1:2381"] });
 * await app.register(instrumentPlugin, { service });
 */
export const instrumentPlugin: FastifyPluginAsync<InstrumentPluginOptions> = Object.assign(register, {
  // What the package fastify-plugin would set.
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "holdfast-instrument",
  [Symbol.for("plugin-meta")]: { name: "holdfast-instrument", fastify: "5.x" },
});
