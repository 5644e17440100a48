import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { InvalidArgumentError } from "../../errors/index.ts";
import type { Policy } from "../../resilience/index.ts";
import { admit, checkSheddingOptions, type SheddingOptions, type SheddingSettings } from "../http-server/index.ts";

export interface SheddingPluginOptions extends SheddingOptions<FastifyRequest> {
  /** Asked about every request. */
  readonly policy: Policy<unknown>;
}

/** In a route's `config`: what differs from the plugin's options, or false for a route that no policy touches. */
export type RouteShedding = false | Partial<SheddingPluginOptions>;

declare module "fastify" {
  interface FastifyContextConfig {
    shedding?: RouteShedding;
  }
}

type Settings = SheddingSettings<FastifyRequest>;

const register: FastifyPluginAsync<SheddingPluginOptions> = async (app, given) => {
  const options = withoutRegisterOptions(given);
  const settings = settingsOf(options);
  /** By the `config` of routes, which lives as long as they do. */
  const byRoute = new WeakMap<object, Settings | undefined>();

  const settingsFor = ({ routeOptions: { config } }: FastifyRequest): Settings | undefined => {
    const shedding = (config as RouteConfig | undefined)?.shedding;
    if (shedding === undefined) return settings;
    if (shedding === false) return undefined;
    let own = byRoute.get(config);
    if (own === undefined) {
      own = settingsOf({ ...options, ...shedding });
      byRoute.set(config, own);
    }
    return own;
  };

  // Routes that come later are refused at once if theirs is wrong.
  app.addHook("onRoute", ({ config }) => {
    const shedding = config?.shedding;
    if (shedding !== undefined && shedding !== false) settingsOf({ ...options, ...shedding });
  });

  app.addHook("onRequest", (request, reply, next) => {
    let settings: Settings | undefined;
    try {
      settings = settingsFor(request);
    } catch (error) {
      next(error as Error);
      return;
    }
    if (settings === undefined) {
      next();
      return;
    }
    admit(settings, request, reply.raw, {
      proceed: () => next(),
      refuse: ({ status, headers, body }) => void reply.code(status).headers(headers).send(body),
      fail: (error) => next(error as Error),
    });
  });
};

/**
 * Asks a policy about every request before its body is read, and answers those that may not come in: 429 when a rate is
 * used up, else 503, with `Retry-After` and a problem document. What the policy gives out for a request comes back when the
 * response is over or the client has gone. A route's `config.shedding` overrides options, or turns it off.
 *
 * It concerns the instance it is registered on and all below it, not a scope of its own.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * await app.register(sheddingPlugin, { policy: bulkhead({ maxConcurrent: 200, maxQueue: 50 }), skip: ["/healthz"] });
 * app.get("/report", { config: { shedding: { policy: bulkhead({ maxConcurrent: 2 }) } } }, report);
 */
export const sheddingPlugin: FastifyPluginAsync<SheddingPluginOptions> = Object.assign(register, {
  // What the package fastify-plugin would set.
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "holdfast-shedding",
  [Symbol.for("plugin-meta")]: { name: "holdfast-shedding", fastify: "5.x" },
});

interface RouteConfig {
  readonly shedding?: RouteShedding;
}

function settingsOf({ policy, ...options }: SheddingPluginOptions): Settings {
  return checkSheddingOptions("fastify", policy, options, pathOf);
}

/** Options of `register` itself, which Fastify passes on. */
function withoutRegisterOptions(options: SheddingPluginOptions): SheddingPluginOptions {
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError("fastify options", "must be an object", options);
  }
  const own: Record<string, unknown> = { ...options };
  for (const name of ["prefix", "logLevel", "logSerializers"]) delete own[name];
  return own as unknown as SheddingPluginOptions;
}

function pathOf({ url }: FastifyRequest): string {
  return url.split("?", 1)[0] ?? "";
}
