import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  InvalidArgumentError,
} from "../errors/base.ts";
import { circuitBreakerDefaults, type CircuitBreakerOptions } from "./breaker-options.ts";
import type { WindowOptions } from "./breaker-window.ts";
import { checkBreakerSnapshot } from "./check-breaker-snapshot.ts";

const names: readonly string[] = [
  "window",
  "failureRate",
  "minimumCalls",
  "slowCall",
  "isFailure",
  "isFailureResult",
  "ignore",
  "halfOpen",
  "openMs",
  "maxOpenMs",
  "jitter",
  "rampUp",
  "openOn",
];

const fixedNames: readonly string[] = ["initialState", "onEvent", "name", "clock", "random"];

/** @throws InvalidArgumentError for an option that is unknown, out of range, or of no effect beside the others */
export function checkBreakerOptions(options: CircuitBreakerOptions): void {
  checkOptionNames("circuitBreaker", options, [...names, ...fixedNames]);
  if (options.onEvent !== undefined) checkFunction("circuitBreaker.onEvent", options.onEvent);
  checkBehaviour(options);
  const { initialState } = options;
  if (typeof initialState === "object") checkBreakerSnapshot("circuitBreaker.initialState", initialState);
  else if (initialState !== undefined) {
    checkOneOf("circuitBreaker.initialState", initialState, ["closed", "forcedOpen", "disabled", "metricsOnly"]);
  }
}

/** As `checkBreakerOptions`, for what can be changed while it runs. */
export function checkBreakerUpdate(update: object): void {
  checkOptionNames("circuitBreaker", update, names);
}

/** Whether a window is judged by its rates. */
export function hasRates(window: WindowOptions): boolean {
  return window.kind === "count" || window.kind === "time";
}

/** The values of the options that can be changed. */
export function checkBehaviour(options: CircuitBreakerOptions): void {
  checkWindow(options.window);
  const rates = options.window !== undefined && hasRates(options.window);
  ratesOnly("failureRate", options.failureRate, rates);
  ratesOnly("minimumCalls", options.minimumCalls, rates);
  const most = options.window?.kind === "count" ? options.window.size : undefined;
  if (options.minimumCalls !== undefined) checkInteger("circuitBreaker.minimumCalls", options.minimumCalls, 1, most);
  share("failureRate", options.failureRate);
  for (const name of ["isFailure", "isFailureResult", "ignore", "openOn"] as const) {
    if (options[name] !== undefined) checkFunction(`circuitBreaker.${name}`, options[name]);
  }
  checkParts(options, rates);
  const { openMs, maxOpenMs, jitter } = options;
  if (maxOpenMs !== undefined) checkNumber("circuitBreaker.maxOpenMs", maxOpenMs, 0, Number.MAX_SAFE_INTEGER);
  if (openMs !== undefined && typeof openMs !== "function") {
    checkNumber("circuitBreaker.openMs", openMs, 0, maxOpenMs ?? circuitBreakerDefaults.maxOpenMs);
  }
  if (jitter !== undefined) checkNumber("circuitBreaker.jitter", jitter, 0, 1);
}

function checkParts({ slowCall, halfOpen, rampUp }: CircuitBreakerOptions, rates: boolean): void {
  if (slowCall !== undefined) {
    checkOptionNames("circuitBreaker.slowCall", slowCall, ["ms", "rate", "inFlight"]);
    checkNumber("circuitBreaker.slowCall.ms", slowCall.ms, 0, Number.MAX_SAFE_INTEGER);
    ratesOnly("slowCall.rate", slowCall.rate, rates);
    share("slowCall.rate", slowCall.rate);
    if (slowCall.inFlight !== undefined && typeof slowCall.inFlight !== "boolean") {
      throw new InvalidArgumentError("circuitBreaker.slowCall.inFlight", "must be true or false", slowCall.inFlight);
    }
  }
  if (halfOpen !== undefined) {
    checkOptionNames("circuitBreaker.halfOpen", halfOpen, ["probes", "successRate", "maxMs", "afterMaxMs"]);
    if (halfOpen.probes !== undefined) checkInteger("circuitBreaker.halfOpen.probes", halfOpen.probes, 1);
    share("halfOpen.successRate", halfOpen.successRate);
    if (halfOpen.maxMs !== undefined)
      checkNumber("circuitBreaker.halfOpen.maxMs", halfOpen.maxMs, 1, Number.POSITIVE_INFINITY);
    if (halfOpen.afterMaxMs !== undefined) {
      checkOneOf("circuitBreaker.halfOpen.afterMaxMs", halfOpen.afterMaxMs, ["open", "closed"]);
    }
  }
  if (rampUp !== undefined) {
    checkOptionNames("circuitBreaker.rampUp", rampUp, ["ms", "startShare"]);
    checkNumber("circuitBreaker.rampUp.ms", rampUp.ms, 1, Number.MAX_SAFE_INTEGER);
    share("rampUp.startShare", rampUp.startShare);
  }
}

function checkWindow(window: WindowOptions | undefined): void {
  if (window === undefined) return;
  if (typeof window !== "object" || window === null) {
    throw new InvalidArgumentError("circuitBreaker.window", "must be an object", window);
  }
  checkOneOf("circuitBreaker.window.kind", window.kind, ["consecutive", "count", "time", "period"]);
  const known = { consecutive: ["failures"], count: ["size"], time: ["ms", "buckets"], period: ["ms", "failures"] };
  checkOptionNames("circuitBreaker.window", window, ["kind", ...known[window.kind]]);
  switch (window.kind) {
    case "consecutive":
      checkInteger("circuitBreaker.window.failures", window.failures, 1);
      return;
    case "count":
      checkInteger("circuitBreaker.window.size", window.size, 1, 1_000_000);
      return;
    case "time":
      checkNumber("circuitBreaker.window.ms", window.ms, 1, Number.MAX_SAFE_INTEGER);
      if (window.buckets !== undefined) checkInteger("circuitBreaker.window.buckets", window.buckets, 1, 1000);
      return;
    case "period":
      checkNumber("circuitBreaker.window.ms", window.ms, 1, Number.MAX_SAFE_INTEGER);
      checkInteger("circuitBreaker.window.failures", window.failures, 1, 100_000);
  }
}

function ratesOnly(name: string, value: unknown, rates: boolean): void {
  if (value === undefined || rates) return;
  throw new InvalidArgumentError(`circuitBreaker.${name}`, 'needs a window of kind "count" or "time"', value);
}

function share(name: string, value: number | undefined): void {
  if (value === undefined) return;
  if (typeof value !== "number" || !(value > 0 && value <= 1)) {
    throw new InvalidArgumentError(`circuitBreaker.${name}`, "must be a number above 0, at most 1", value);
  }
}
