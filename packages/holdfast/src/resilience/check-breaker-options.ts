import { InvalidArgumentError } from "../errors/index.ts";
import { circuitBreakerDefaults, type CircuitBreakerOptions } from "./breaker-options.ts";
import type { WindowOptions } from "./breaker-window.ts";
import { checkKnown, fn, integer, number, oneOf } from "./check-options.ts";
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
  checkKnown("circuitBreaker", options, [...names, ...fixedNames]);
  if (options.onEvent !== undefined) fn("circuitBreaker.onEvent", options.onEvent);
  checkBehaviour(options);
  const { initialState } = options;
  if (typeof initialState === "object") checkBreakerSnapshot("circuitBreaker.initialState", initialState);
  else if (initialState !== undefined) {
    oneOf("circuitBreaker.initialState", initialState, ["closed", "forcedOpen", "disabled", "metricsOnly"]);
  }
}

/** As `checkBreakerOptions`, for what can be changed while it runs. */
export function checkBreakerUpdate(update: object): void {
  checkKnown("circuitBreaker", update, names);
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
  if (options.minimumCalls !== undefined) integer("circuitBreaker.minimumCalls", options.minimumCalls, 1, most);
  share("failureRate", options.failureRate);
  for (const name of ["isFailure", "isFailureResult", "ignore", "openOn"] as const) {
    if (options[name] !== undefined) fn(`circuitBreaker.${name}`, options[name]);
  }
  checkParts(options, rates);
  const { openMs, maxOpenMs, jitter } = options;
  if (maxOpenMs !== undefined) number("circuitBreaker.maxOpenMs", maxOpenMs, 0, Number.MAX_SAFE_INTEGER);
  if (openMs !== undefined && typeof openMs !== "function") {
    number("circuitBreaker.openMs", openMs, 0, maxOpenMs ?? circuitBreakerDefaults.maxOpenMs);
  }
  if (jitter !== undefined) number("circuitBreaker.jitter", jitter, 0, 1);
}

function checkParts({ slowCall, halfOpen, rampUp }: CircuitBreakerOptions, rates: boolean): void {
  if (slowCall !== undefined) {
    checkKnown("circuitBreaker.slowCall", slowCall, ["ms", "rate", "inFlight"]);
    number("circuitBreaker.slowCall.ms", slowCall.ms, 0, Number.MAX_SAFE_INTEGER);
    ratesOnly("slowCall.rate", slowCall.rate, rates);
    share("slowCall.rate", slowCall.rate);
    if (slowCall.inFlight !== undefined && typeof slowCall.inFlight !== "boolean") {
      throw new InvalidArgumentError("circuitBreaker.slowCall.inFlight", "must be true or false", slowCall.inFlight);
    }
  }
  if (halfOpen !== undefined) {
    checkKnown("circuitBreaker.halfOpen", halfOpen, ["probes", "successRate", "maxMs", "afterMaxMs"]);
    if (halfOpen.probes !== undefined) integer("circuitBreaker.halfOpen.probes", halfOpen.probes, 1);
    share("halfOpen.successRate", halfOpen.successRate);
    if (halfOpen.maxMs !== undefined)
      number("circuitBreaker.halfOpen.maxMs", halfOpen.maxMs, 1, Number.POSITIVE_INFINITY);
    if (halfOpen.afterMaxMs !== undefined) {
      oneOf("circuitBreaker.halfOpen.afterMaxMs", halfOpen.afterMaxMs, ["open", "closed"]);
    }
  }
  if (rampUp !== undefined) {
    checkKnown("circuitBreaker.rampUp", rampUp, ["ms", "startShare"]);
    number("circuitBreaker.rampUp.ms", rampUp.ms, 1, Number.MAX_SAFE_INTEGER);
    share("rampUp.startShare", rampUp.startShare);
  }
}

function checkWindow(window: WindowOptions | undefined): void {
  if (window === undefined) return;
  if (typeof window !== "object" || window === null) {
    throw new InvalidArgumentError("circuitBreaker.window", "must be an object", window);
  }
  oneOf("circuitBreaker.window.kind", window.kind, ["consecutive", "count", "time", "period"]);
  const known = { consecutive: ["failures"], count: ["size"], time: ["ms", "buckets"], period: ["ms", "failures"] };
  checkKnown("circuitBreaker.window", window, ["kind", ...known[window.kind]]);
  switch (window.kind) {
    case "consecutive":
      integer("circuitBreaker.window.failures", window.failures, 1);
      return;
    case "count":
      integer("circuitBreaker.window.size", window.size, 1, 1_000_000);
      return;
    case "time":
      number("circuitBreaker.window.ms", window.ms, 1, Number.MAX_SAFE_INTEGER);
      if (window.buckets !== undefined) integer("circuitBreaker.window.buckets", window.buckets, 1, 1000);
      return;
    case "period":
      number("circuitBreaker.window.ms", window.ms, 1, Number.MAX_SAFE_INTEGER);
      integer("circuitBreaker.window.failures", window.failures, 1, 100_000);
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
