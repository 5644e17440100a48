import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import type { Health } from "../../telemetry/index.ts";
import { healthRoutes, type HealthRoutesOptions } from "../http-server/index.ts";

export interface HealthPluginOptions extends HealthRoutesOptions<FastifyRequest> {
  readonly health: Health;
}

const register: FastifyPluginAsync<HealthPluginOptions> = async (app, given) => {
  const { health, ...others } = given;
  const options: Record<string, unknown> = others;
  // Those of `register` itself, which Fastify passes on.
  for (const name of ["prefix", "logLevel", "logSerializers"]) delete options[name];
  const routes = healthRoutes<FastifyRequest>("fastify", health, options);
  app.addHook("onRequest", (request, reply, next) => {
    const answer = routes.answer(request, request.method, request.url.split("?", 1)[0] ?? "");
    routes.follow(reply.raw, answer !== undefined);
    if (answer !== undefined) {
      void reply.code(answer.status).headers(answer.headers).send(answer.body);
      return;
    }
    next();
  });
};

/**
 * Answers `/livez`, `/readyz`, `/startupz` and `/healthz`, and counts all other requests as in flight, so that a drain
 * waits for them.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * await app.register(healthPlugin, { health });
 */
export const healthPlugin: FastifyPluginAsync<HealthPluginOptions> = Object.assign(register, {
  // What the package fastify-plugin would set.
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "holdfast-health",
  [Symbol.for("plugin-meta")]: { name: "holdfast-health", fastify: "5.x" },
});
