export { HoldfastError } from "./holdfast-error.ts";
export type { ErrorKind, HoldfastErrorOptions } from "./holdfast-error.ts";
export { InvalidArgumentError } from "./invalid-argument.ts";
