import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { addressOf, get, isHttpUrl, type HealthProbes } from "./health-probe.ts";
import { exactlyOne, type ParameterRule } from "./parameter-rule.ts";
import type { JsonValue } from "./plan.ts";
import type { StepContext, StepExecutor } from "./step-executor.ts";
import { StepFailure } from "./step-failure.ts";
import { withinLimit } from "./time-limit.ts";

export interface HealthCheckOptions extends HealthProbes {
  readonly clock?: Clock;
}

type Told = StepContext["parameters"];

/** One way to ask. */
interface Way {
  readonly option: keyof HealthProbes;
  readonly rule: ParameterRule;
  /** What goes with it alone. */
  readonly more: Readonly<Record<string, ParameterRule>>;
  readonly ask: (probes: HealthProbes, told: Told, signal: AbortSignal) => Promise<JsonValue>;
}

const must =
  (fits: (value: JsonValue) => boolean, rule: string): NonNullable<ParameterRule["check"]> =>
  (value) =>
    fits(value) ? undefined : rule;

const ways: Readonly<Record<string, Way>> = {
  url: {
    option: "fetch",
    rule: { type: "text", check: must(isHttpUrl, "must be an http or https URL") },
    more: { status: { type: "number" }, contains: { type: "text" } },
    async ask({ fetch }, { url, status: wanted, contains }, signal) {
      const { status, body } = await get(fetch!, url as string, { status: wanted, signal });
      if (typeof contains === "string" && !body.includes(contains)) {
        throw new StepFailure("service", `answered ${status} without ${JSON.stringify(contains)}`);
      }
      return status;
    },
  },
  tcp: {
    option: "network",
    rule: { type: "text", check: must((value) => addressOf(value as string) !== undefined, "must be HOST:PORT") },
    more: {},
    async ask({ network }, { tcp }, signal) {
      const connection = await network!.connect(addressOf(tcp as string)!, { signal });
      connection.destroy();
      return "open";
    },
  },
  grpc: {
    option: "grpc",
    rule: { type: "text", check: must(isHttpUrl, "must be an http or https URL, https for TLS") },
    more: { service: { type: "text" } },
    async ask({ grpc }, { grpc: url, service = "" }, signal) {
      const status = await grpc!(url as string, service as string, { signal });
      if (status !== "SERVING") throw new StepFailure("service", `answered ${status}, not SERVING`);
      return status;
    },
  },
  coordination: {
    option: "coordination",
    rule: { type: "text", check: must((key) => key !== "", "must be the key to read") },
    more: {},
    async ask({ coordination }, { coordination: key }, signal) {
      // Linearizable, as reads are unless asked otherwise: it takes a leader that a majority follows.
      await coordination!.range({ key: new TextEncoder().encode(key as string) }, { signal });
      return "read";
    },
  },
};

/**
 * Steps of the type `health-check`, which ask one of these, and change nothing. Wait for a service that is starting with
 * the step's `retry`; `within` bounds one answer.
 *
 * - `url`: a GET must be answered with `status` (default any of 200 to 299), and a body that `contains` a text
 * - `tcp`: `HOST:PORT` must accept a connection
 * - `grpc`: the server at a URL must say by gRPC's health protocol that `service` (default all of it) is serving
 * - `coordination`: a key must be read linearizably, whatever is there
 *
 * @example
 * createOrchestrator({ coordination, executors: [healthCheck({ fetch, network: nodeRuntime().network, coordination })] });
 */
export function healthCheck(options: HealthCheckOptions): StepExecutor {
  const known = Object.values(ways).map(({ option }) => option);
  checkOptionNames("healthCheck", options, [...known, "clock"]);
  const { clock = systemClock, fetch, grpc, network, coordination } = options;
  checkFunction("healthCheck.fetch", fetch);
  checkFunction("healthCheck.grpc", grpc);
  if (network !== undefined && typeof network.connect !== "function") {
    throw new InvalidArgumentError("healthCheck.network", "must be a Network", network);
  }
  if (coordination !== undefined && typeof coordination.range !== "function") {
    throw new InvalidArgumentError("healthCheck.coordination", "must be a Coordination", coordination);
  }
  const given = Object.entries(ways).filter(([, { option }]) => options[option] !== undefined);
  if (given.length === 0) {
    throw new InvalidArgumentError("healthCheck", `must have at least one of ${known.join(", ")}`, options);
  }
  return {
    type: "health-check",
    parameters: {
      ...Object.fromEntries(given.flatMap(([name, { rule, more }]) => [[name, rule], ...Object.entries(more)])),
      within: { type: "duration" },
    },
    check: exactlyOne(Object.fromEntries(given.map(([name, { more }]) => [name, Object.keys(more)]))),
    outputs: ["status"],
    changes: false,
    errorKind: "service",
    async run(context) {
      const { parameters } = context;
      const [, way] = given.find(([name]) => Object.hasOwn(parameters, name))!;
      const status = await withinLimit(context, clock, (signal) => way.ask(options, parameters, signal));
      return { status };
    },
  };
}
