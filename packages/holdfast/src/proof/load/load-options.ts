import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  InvalidArgumentError,
} from "../../errors/base.ts";
import type { Clock, Random } from "../../runtime/index.ts";
import { checkStages, type ArrivalSpacing, type RateStage } from "./arrivals.ts";
import type { TimelineEntry } from "./load-report.ts";

/** One operation under way, as the operation sees it. */
export interface LoadCall {
  /** From 0, in the order of starting. */
  readonly sequence: number;
  /** Which of the clients makes it: 0 to `clients` - 1, in an open loop in turn. */
  readonly client: number;
  /** When it was due, on the run's clock; in a closed loop, when it was started. */
  readonly intendedMs: number;
  /** Aborted at the timeout, and at the end of the run. */
  readonly signal: AbortSignal;
  /** What is done: the report tells names apart, up to 32 of them. Default `operation`; the operation may set it. */
  name: string;
}

export interface LoadOptions {
  readonly clock: Pick<Clock, "now" | "wallTime" | "setTimer" | "defer" | "sleep">;
  /** For arrivals by chance; the default spacing draws nothing. */
  readonly random: Random;
  /** What is done each time; one that rejects or throws has failed. */
  readonly operation: (call: LoadCall) => unknown;
  /**
   * `open`: operations are due at a rate, whether those before have ended or not, as with users who do not know of each
   * other. `closed`: each client waits for its answer before it goes on. Default `open`.
   */
  readonly mode?: "open" | "closed";
  /** Open: how many a second, or stages of it; the last rate goes on. Required there. */
  readonly ratePerSecond?: number | readonly RateStage[];
  /** Open: default `constant`. */
  readonly arrivals?: ArrivalSpacing;
  /** What is measured. Default: the time of all stages; required with one rate and in a closed loop. */
  readonly durationMs?: number;
  /** Before what is measured, at the first rate. Default 0. */
  readonly warmUpMs?: number;
  /** Open: operations due beyond so many under way are dropped, and counted. Default 10 000. */
  readonly maxInFlight?: number;
  /** Closed: how many there are. Default 1. In an open loop, how many numbers `call.client` takes. */
  readonly clients?: number;
  /** Closed: the pause between an answer and the next operation. Default 0. */
  readonly thinkTimeMs?: number;
  /** An operation that takes longer has failed with OPERATION_TIMED_OUT. Default: as long as it likes. */
  readonly timeoutMs?: number;
  /** How long operations under way may take after the end before they count as unfinished. Default 10 000. */
  readonly drainMs?: number;
  /** The length of an entry of the timeline. Default 1 000. */
  readonly intervalMs?: number;
  /** Each entry of the timeline once it is over. */
  readonly onInterval?: (entry: TimelineEntry) => void;
  /** Ends the run without a report: the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
}

export const defaultLoadOptions: Required<
  Pick<
    LoadOptions,
    | "mode"
    | "arrivals"
    | "warmUpMs"
    | "maxInFlight"
    | "clients"
    | "thinkTimeMs"
    | "timeoutMs"
    | "drainMs"
    | "intervalMs"
  >
> = {
  mode: "open",
  arrivals: "constant",
  warmUpMs: 0,
  maxInFlight: 10_000,
  clients: 1,
  thinkTimeMs: 0,
  timeoutMs: Infinity,
  drainMs: 10_000,
  intervalMs: 1_000,
};

export interface LoadSettings
  extends Required<Omit<LoadOptions, "ratePerSecond" | "signal" | "onInterval">>, Pick<LoadOptions, "signal"> {
  /** Empty in a closed loop. */
  readonly stages: readonly RateStage[];
  readonly onInterval: ((entry: TimelineEntry) => void) | undefined;
}

const names = [
  "clock",
  "random",
  "operation",
  "ratePerSecond",
  "durationMs",
  "onInterval",
  "signal",
  ...Object.keys(defaultLoadOptions),
];
const dayMs = 86_400_000;
/** Entries of a timeline, at most. */
const maxIntervals = 100_000;

/** @throws InvalidArgumentError naming the option that breaks its rule */
export function checkLoadOptions(options: LoadOptions): LoadSettings {
  checkOptionNames("runLoad", options, names);
  const settings = { ...defaultLoadOptions, ...options };
  for (const name of ["clock", "random"] as const) {
    if (typeof settings[name] !== "object" || settings[name] === null) {
      throw new InvalidArgumentError(`runLoad.${name}`, "must be given", settings[name]);
    }
  }
  if (typeof settings.operation !== "function") {
    throw new InvalidArgumentError("runLoad.operation", "must be a function", settings.operation);
  }
  checkOneOf("runLoad.mode", settings.mode, ["open", "closed"]);
  checkOneOf("runLoad.arrivals", settings.arrivals, ["constant", "poisson"]);
  checkInteger("runLoad.maxInFlight", settings.maxInFlight, 1);
  checkInteger("runLoad.clients", settings.clients, 1, 100_000);
  checkNumber("runLoad.warmUpMs", settings.warmUpMs, 0, dayMs);
  checkNumber("runLoad.thinkTimeMs", settings.thinkTimeMs, 0, dayMs);
  checkNumber("runLoad.drainMs", settings.drainMs, 0, dayMs);
  checkNumber("runLoad.timeoutMs", settings.timeoutMs, 1, Infinity);
  checkNumber("runLoad.intervalMs", settings.intervalMs, 1);
  const stages = checkRate(settings);
  const durationMs = settings.durationMs ?? (Array.isArray(options.ratePerSecond) ? lengthOf(stages) : undefined);
  checkNumber("runLoad.durationMs", durationMs, 1, dayMs);
  if ((durationMs! + settings.drainMs) / settings.intervalMs > maxIntervals) {
    throw new InvalidArgumentError(
      "runLoad.intervalMs",
      `must give at most ${maxIntervals} intervals`,
      settings.intervalMs,
    );
  }
  return {
    ...settings,
    durationMs: durationMs!,
    stages,
    onInterval: checkFunction("runLoad.onInterval", options.onInterval),
  };
}

function checkRate({ mode, ratePerSecond }: LoadOptions): readonly RateStage[] {
  const name = "runLoad.ratePerSecond";
  if (mode === "closed") {
    if (ratePerSecond === undefined) return [];
    throw new InvalidArgumentError(
      name,
      "is of an open loop; a closed one goes as fast as answers come",
      ratePerSecond,
    );
  }
  if (typeof ratePerSecond !== "number" && ratePerSecond !== undefined) return checkStages(name, ratePerSecond);
  if (!(checkNumber(name, ratePerSecond, 0) > 0)) {
    throw new InvalidArgumentError(name, "must be a number > 0", ratePerSecond);
  }
  return [{ ratePerSecond: ratePerSecond!, forMs: dayMs }];
}

const lengthOf = (stages: readonly RateStage[]): number => stages.reduce((sum, { forMs }) => sum + forMs, 0);
