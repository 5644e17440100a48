import { checkInteger, checkNumber, checkOneOf, InvalidArgumentError } from "../errors/base.ts";
import type { BreakerSnapshot } from "./breaker-state.ts";
import type { BucketState, WindowState } from "./breaker-window.ts";

const states = ["closed", "open", "halfOpen", "rampUp", "forcedOpen", "disabled", "metricsOnly"] as const;
const longest = Number.MAX_SAFE_INTEGER;

/** A snapshot comes from outside: from a file, another process, another version. */
export function checkBreakerSnapshot(name: string, snapshot: BreakerSnapshot): void {
  if (snapshot === null) throw new InvalidArgumentError(name, "must be a state or a snapshot", snapshot);
  if (snapshot.version !== 1) throw new InvalidArgumentError(`${name}.version`, "must be 1", snapshot.version);
  checkOneOf(`${name}.state`, snapshot.state, states);
  checkNumber(`${name}.stateMs`, snapshot.stateMs, 0, longest);
  checkNumber(`${name}.remainingOpenMs`, snapshot.remainingOpenMs, 0, longest);
  checkInteger(`${name}.timesOpened`, snapshot.timesOpened, 0);
  checkWindowState(`${name}.window`, snapshot.window);
}

function checkWindowState(name: string, window: WindowState): void {
  if (typeof window !== "object" || window === null) {
    throw new InvalidArgumentError(name, "must be an object", window);
  }
  checkOneOf(`${name}.kind`, window.kind, ["consecutive", "count", "time", "period"]);
  switch (window.kind) {
    case "consecutive":
      checkInteger(`${name}.failures`, window.failures, 0);
      return;
    case "count":
      if (typeof window.outcomes !== "string" || !/^[0-3]*$/.test(window.outcomes)) {
        throw new InvalidArgumentError(`${name}.outcomes`, "must be a string of the digits 0 to 3", window.outcomes);
      }
      return;
    case "time":
      for (const [at, bucket] of list<BucketState>(`${name}.buckets`, window.buckets).entries()) {
        checkBucket(`${name}.buckets[${at}]`, bucket);
      }
      return;
    case "period":
      for (const [at, age] of list<number>(`${name}.agesMs`, window.agesMs).entries()) {
        checkNumber(`${name}.agesMs[${at}]`, age, 0, longest);
      }
  }
}

function checkBucket(name: string, bucket: BucketState): void {
  if (typeof bucket !== "object" || bucket === null) throw new InvalidArgumentError(name, "must be an object", bucket);
  checkNumber(`${name}.ageMs`, bucket.ageMs, 0, longest);
  checkInteger(`${name}.calls`, bucket.calls, 1);
  checkInteger(`${name}.failures`, bucket.failures, 0, bucket.calls);
  checkInteger(`${name}.slow`, bucket.slow, 0, bucket.calls);
}

function list<T>(name: string, value: readonly T[]): readonly T[] {
  if (!Array.isArray(value)) throw new InvalidArgumentError(name, "must be an array", value);
  return value;
}
