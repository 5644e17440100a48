import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { CallObserver, InstrumentedService } from "../../telemetry/index.ts";

export interface InstrumentPluginOptions {
  /** What `instrumentService` gives. It is closed with the app. */
  readonly service: Pick<InstrumentedService, "observer" | "close">;
}

const register: FastifyPluginAsync<InstrumentPluginOptions> = async (app, { service }) => {
  if (typeof service?.observer !== "function") {
    throw new InvalidArgumentError("fastify.service", "must be what instrumentService gives", service);
  }
  const underWay = new WeakMap<FastifyRequest, CallObserver>();

  app.addHook("onRequest", (request, reply, next) => {
    const { method, url } = request.routeOptions;
    // What no route is for has one name, whatever its paths are.
    const name = url === undefined ? "(no route)" : `${typeof method === "string" ? method : request.method} ${url}`;
    const observer = service.observer(name, "route");
    underWay.set(request, observer);
    observer.started();
    // Also where the answer never ends as it should: the client has gone, or the connection broke.
    reply.raw.once("close", () => {
      if (!underWay.delete(request)) return;
      const { writableFinished, statusCode } = reply.raw;
      observer.ended(!writableFinished ? "abandoned" : statusCode >= 500 ? "failed" : "succeeded", reply.elapsedTime);
    });
    next();
  });
  app.addHook("onClose", async () => service.close());
};

/**
 * Counts requests by route, with how they end and how long they take, for the dashboard that an instrumented service
 * appears in. A status of 500 and above counts as failed.
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
