import type { Metadata } from "@grpc/grpc-js";
import { InvalidArgumentError } from "../../errors/index.ts";
import type { Policy } from "../../resilience/index.ts";
import { grpcCode, lastCode, type GrpcCode } from "./status-code.ts";

/** Codes of statuses, or a function of the code. */
export type StatusCodes = readonly number[] | ((code: number) => boolean);

export interface OutgoingCall {
  /** Of the method: "/package.Service/Method". */
  readonly path: string;
  /** What is sent with it. */
  readonly metadata: Metadata;
}

export interface ResilienceInterceptorOptions {
  /** Codes that may be tried again; they count as failures too. Default RESOURCE_EXHAUSTED and UNAVAILABLE. */
  readonly retryOn?: StatusCodes;
  /** Codes that count as failures. Default UNKNOWN, DEADLINE_EXCEEDED, INTERNAL and DATA_LOSS, and those of `retryOn`. */
  readonly failOn?: StatusCodes;
  /** Whether a method may be called more than once, by its path. Default: every method. */
  readonly repeatable?: (path: string) => boolean;
  /** Whose call it is, for policies that go by keys. Default: none. */
  readonly key?: (call: OutgoingCall) => string;
  /** Who goes first where calls queue: an integer, the higher the sooner. Default 0. */
  readonly priority?: (call: OutgoingCall) => number;
}

export const grpcDefaults: {
  readonly retryOn: readonly number[];
  readonly failOn: readonly number[];
} = {
  retryOn: [grpcCode.resourceExhausted, grpcCode.unavailable],
  failOn: [grpcCode.unknown, grpcCode.deadlineExceeded, grpcCode.internal, grpcCode.dataLoss],
};

export interface InterceptorSettings {
  readonly mayRetry: (code: GrpcCode) => boolean;
  readonly isFailure: (code: GrpcCode) => boolean;
  readonly repeatable: ((path: string) => boolean) | undefined;
  readonly key: ResilienceInterceptorOptions["key"];
  readonly priority: ResilienceInterceptorOptions["priority"];
}

const names: readonly (keyof ResilienceInterceptorOptions)[] = ["retryOn", "failOn", "repeatable", "key", "priority"];

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkInterceptorOptions(
  policy: Policy<unknown>,
  options: ResilienceInterceptorOptions,
): InterceptorSettings {
  if (typeof policy?.execute !== "function") throw new InvalidArgumentError("grpc.policy", "must be a policy", policy);
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError("grpc options", "must be an object", options);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!(names as readonly string[]).includes(name)) {
      throw new InvalidArgumentError(`grpc.${name}`, `is no option; there are ${names.join(", ")}`, value);
    }
  }
  const { retryOn = grpcDefaults.retryOn, failOn = grpcDefaults.failOn, repeatable, key, priority } = options;
  for (const [name, callback] of Object.entries({ repeatable, key, priority })) {
    if (callback !== undefined && typeof callback !== "function") {
      throw new InvalidArgumentError(`grpc.${name}`, "must be a function", callback);
    }
  }
  const mayRetry = toTest("grpc.retryOn", retryOn);
  const fails = toTest("grpc.failOn", failOn);
  const isFailure = (code: GrpcCode): boolean => code !== grpcCode.ok && (mayRetry(code) || fails(code));
  return { mayRetry, isFailure, repeatable, key, priority };
}

function toTest(name: string, option: StatusCodes): (code: number) => boolean {
  if (typeof option === "function") return option;
  if (!Array.isArray(option)) throw new InvalidArgumentError(name, "must be a list of codes or a function", option);
  option.forEach((code: unknown, at) => {
    if (!Number.isInteger(code) || (code as number) < 1 || (code as number) > lastCode) {
      throw new InvalidArgumentError(`${name}[${at}]`, `must be an integer >= 1 and <= ${lastCode}`, code);
    }
  });
  const codes = new Set<number>(option);
  return (code) => codes.has(code);
}
