/**
 * The base of all errors, the checks of options, and what keeps a listener's errors to itself: what every room needs,
 * without the tables that classify the errors of everybody else. The second entry of this room, for rooms whose import must stay light.
 */
export { checkFunction, checkInteger, checkNumber, checkOneOf, checkOptionNames } from "./check-options.ts";
export { HoldfastError } from "./holdfast-error.ts";
export type { ErrorKind, HoldfastErrorOptions } from "./holdfast-error.ts";
export { InvalidArgumentError } from "./invalid-argument.ts";
export { parseRetryAfter } from "./parse-retry-after.ts";
export { shielded } from "./shielded.ts";
export { severityOf } from "./severity.ts";
export type { Severity } from "./severity.ts";
