import { InvalidArgumentError } from "holdfast/errors/base";
import { checkScenario, type DrillScenario } from "holdfast/proof";
import { readDependency, type NamedDependency } from "../drill/dependency/dependency-call.ts";
import type { FoundScenario } from "../drill/read-scenario.ts";
import { serviceDependencyDown } from "../drill/scenarios/service-dependency-down.ts";
import { readServiceStage, type ServiceSettings } from "../drill/service/service-settings.ts";
import { usageError } from "./exit.ts";
import { flag, integer, text, type Option, type OptionValues } from "./option.ts";

const dependency: Option<(NamedDependency & { readonly given: string }) | undefined> = {
  placeholder: "URL",
  help: "dependency-down: a server to depend on, redis://, postgresql:// or http:// (default one of the drill's own); with --service any, NAME=HOST:PORT",
  read: (value, source) => {
    const read = readDependency(value);
    if (read !== undefined) return { ...read, given: value };
    throw usageError(
      `${source} must be a URL like redis://127.0.0.1:6379, or like redis=127.0.0.1:6379 (got ${JSON.stringify(value)})`,
    );
  },
};

/** `answeredRatio>=0.99,faultP99Ms<500`. */
const expect: Option<readonly string[] | undefined> = {
  placeholder: "RULE,RULE",
  help: "what must be measured, instead of what the drill expects: answeredRatio>=0.99,faultP99Ms<500",
  read: (value, source) => {
    const rules = value.split(",").map((part) => part.trim());
    try {
      return checkScenario({ name: "line", expect: rules }).expect;
    } catch (error) {
      if (!InvalidArgumentError.is(error)) throw error;
      throw usageError(
        `${source} must be rules like faultP99Ms<500, separated by commas (got ${JSON.stringify(value)})`,
      );
    }
  },
};

/** What a drill of somebody's own service takes besides. */
export const serviceDrillOptions: {
  readonly service: Option<string | undefined>;
  readonly dependency: typeof dependency;
  readonly through: Option<number | undefined>;
  readonly rate: Option<number | undefined>;
  readonly expect: typeof expect;
  readonly allowRemote: Option<boolean>;
} = {
  service: text({ placeholder: "URL", help: "a service of your own to drill: it is called there, at --rate" }),
  dependency,
  through: integer({
    min: 1,
    max: 65_535,
    help: "--service: the port of this machine at which the service reaches --dependency, by way of the drill",
  }),
  rate: integer({ min: 1, max: 1_000, help: "--service: calls a second, whoever waits (default the drill's own: 50)" }),
  expect,
  allowRemote: flag("--service: it may be on another machine, which is put under load"),
};

export type ServiceDrillValues = OptionValues<typeof serviceDrillOptions>;

/** A drill with what the line says of a service in place of its own. @throws ExitError (usage) */
export function withService(name: string, found: FoundScenario, options: ServiceDrillValues): FoundScenario {
  const { service, dependency: given, through, rate, expect: rules, allowRemote } = options;
  const isOfService = service !== undefined || found.scenario.stage["kind"] === "service";
  if (!isOfService) {
    const stray =
      through !== undefined ? "--through" : rate !== undefined ? "--rate" : allowRemote ? "--allow-remote" : "";
    if (stray !== "") throw usageError(`${stray} is of drills of a service: --service URL`);
    return rules === undefined ? found : { ...found, scenario: { ...found.scenario, expect: rules } };
  }
  const base = baseOf(name, found.scenario);
  const stage = {
    ...base.stage,
    ...(service === undefined ? {} : { service }),
    ...(given === undefined ? {} : { dependency: given.given }),
    ...(through === undefined ? {} : { through }),
  };
  const missing = [
    ...("dependency" in stage ? [] : ["--dependency NAME=HOST:PORT, what it depends on"]),
    ...("through" in stage ? [] : ["--through PORT, where it is to reach that by way of the drill"]),
  ];
  if (missing.length > 0) throw usageError(`--service needs ${missing.join(", and ")}`);
  const load = rate === undefined ? base.load : { ...base.load, ratePerSecond: rate };
  return { ...found, scenario: { ...base, stage, load, expect: rules ?? base.expect } };
}

function baseOf(name: string, scenario: DrillScenario): DrillScenario {
  if (scenario.stage["kind"] === "service") return scenario;
  if (name === serviceDependencyDown.name) return serviceDependencyDown;
  throw usageError(`--service is of ${serviceDependencyDown.name}, and of files whose stage is of kind service`);
}

/** Of a drill of a service; undefined for others. @throws ExitError (usage) */
export function serviceOf(
  scenario: DrillScenario,
  { refuse }: Pick<FoundScenario, "refuse">,
  { allowRemote }: ServiceDrillValues,
): ServiceSettings | undefined {
  if (scenario.stage["kind"] !== "service") return undefined;
  try {
    return readServiceStage(scenario, { allowRemote });
  } catch (error) {
    throw refuse(error);
  }
}

/** As it would stand on the line again. */
export function serviceAgain(options: ServiceDrillValues): string {
  const { service, dependency: given, through, rate, expect: rules, allowRemote } = options;
  const parts = [
    service === undefined ? "" : ` --service ${service.includes("&") ? `'${service}'` : service}`,
    given === undefined ? "" : ` --dependency ${given.given}`,
    through === undefined ? "" : ` --through ${through}`,
    rate === undefined ? "" : ` --rate ${rate}`,
    rules === undefined ? "" : ` --expect '${rules.join(",")}'`,
    allowRemote ? " --allow-remote" : "",
  ];
  return parts.join("");
}
