import { systemClock, type Clock } from "../runtime/system.ts";
import type { Classifier, Verdict } from "./classifier.ts";
import { builtInClassifiers } from "./classifiers/built-in.ts";
import { isHoldfast } from "./error-json.ts";
import { ErrorShape } from "./error-shape.ts";
import { failureMeanings, type FailureErrorCode } from "./failure-codes.ts";
import type { AnyFailure } from "./failure-kinds.ts";
import { InvalidArgumentError } from "./invalid-argument.ts";
import { makeFailure, type CallFacts } from "./make-failure.ts";
import { Search } from "./search.ts";

export interface ClassifyOptions extends CallFacts {
  /** What an error that no table knows is taken for. Default `UNCLASSIFIED`: system, not transient. */
  readonly unclassified?: FailureErrorCode;
  /** For `Retry-After` as a date, and the time of a system error. Default: the system's. */
  readonly clock?: Pick<Clock, "wallTime">;
}

/** Turns whatever was thrown into one of the six kinds, in bounded time; never throws. */
export type Classify = (error: unknown, options?: ClassifyOptions) => AnyFailure;

export interface CreateClassifierOptions {
  /** Asked before the built-in tables, the first one first. Default none. */
  readonly classifiers?: readonly Classifier[];
  /** Whether the built-in tables are asked too. Default true. */
  readonly builtIn?: boolean;
}

/** As many classifiers as can be registered at once. */
export const maxRegisteredClassifiers = 100;

const registered: Classifier[] = [];

/**
 * Turns whatever was thrown into one of the six kinds, with the original as `cause`: errors of Node, fetch, HTTP, gRPC,
 * databases and brokers, timeouts and aborts, of any client, by shape and code. Causes and aggregates are looked into, 8
 * levels deep and 64 errors at most. A failure that is one of the six kinds already is returned itself. Never throws.
 *
 * @example
 * try {
 *   await pool.query("update account set ...");
 * } catch (error) {
 *   const failure = classify(error, { operation: "debit" });
 *   if (failure.retryable && failure.effect === "none") return again();
 *   log.error(failure.message, errorContext(failure));
 * }
 */
export function classify(error: unknown, options: ClassifyOptions = {}): AnyFailure {
  return classifyWith([...registered, ...builtInClassifiers], error, options);
}

/**
 * Makes `classify` ask this classifier too, before all others. For programs; a library uses `createClassifier`.
 *
 * @returns takes it back; calling it again does nothing
 * @throws InvalidArgumentError for what is no classifier, or more than 100 of them
 */
export function registerClassifier(classifier: Classifier): () => void {
  check("registerClassifier", classifier);
  if (registered.length >= maxRegisteredClassifiers) {
    throw new InvalidArgumentError(
      "registerClassifier",
      `takes at most ${maxRegisteredClassifiers}`,
      registered.length,
    );
  }
  // An entry of its own, so that one classifier registered twice can be taken back twice.
  const entry: Classifier = { ...classifier, keys: (shape) => classifier.keys(shape) };
  registered.unshift(entry);
  return () => {
    const at = registered.indexOf(entry);
    if (at >= 0) registered.splice(at, 1);
  };
}

/**
 * Makes a `classify` with tables of its own, which nothing registered elsewhere changes.
 *
 * @throws InvalidArgumentError
 */
export function createClassifier(options: CreateClassifierOptions = {}): Classify {
  for (const key of Object.keys(options)) {
    if (key !== "classifiers" && key !== "builtIn") {
      throw new InvalidArgumentError(`createClassifier.${key}`, "is not an option", options[key as "builtIn"]);
    }
  }
  const { classifiers = [], builtIn = true } = options;
  if (!Array.isArray(classifiers)) {
    throw new InvalidArgumentError("createClassifier.classifiers", "must be a list", classifiers);
  }
  classifiers.forEach((classifier, at) => check(`createClassifier.classifiers[${at}]`, classifier));
  const all = [...classifiers, ...(builtIn ? builtInClassifiers : [])];
  return (error, own = {}) => classifyWith(all, error, own);
}

function classifyWith(classifiers: readonly Classifier[], error: unknown, options: ClassifyOptions): AnyFailure {
  const thrown = new ErrorShape(error);
  if (isFailure(error)) return error;
  const verdict =
    new Search(classifiers).find(thrown) ??
    ({
      code: options.unclassified ?? "UNCLASSIFIED",
      meaning: failureMeanings[options.unclassified ?? "UNCLASSIFIED"],
      system: "",
      rule: undefined,
      shape: thrown,
    } satisfies Verdict);
  return makeFailure(verdict, thrown, options, options.clock ?? systemClock);
}

/** By the fields, so also of another copy of this package. */
function isFailure(error: unknown): error is AnyFailure {
  if (!isHoldfast(error)) return false;
  const shape = new ErrorShape(error);
  const effect = shape.text("effect");
  return (effect === "none" || effect === "unknown") && shape.child("context").isObject;
}

function check(name: string, classifier: Classifier): void {
  const shape = new ErrorShape(classifier);
  const system = shape.text("system");
  if (system === undefined || system === "") {
    throw new InvalidArgumentError(`${name}.system`, "must be a name", shape.get("system"));
  }
  if (typeof shape.get("keys") !== "function") {
    throw new InvalidArgumentError(`${name}.keys`, "must be a function", shape.get("keys"));
  }
  const rules = shape.child("rules");
  if (!rules.isObject) throw new InvalidArgumentError(`${name}.rules`, "must be an object", rules.value);
  for (const key of Object.keys(rules.value as object)) {
    const rule = rules.get(key);
    const code = Array.isArray(rule) ? (rule[0] as unknown) : rule;
    const known = typeof code === "string" && Object.hasOwn(failureMeanings, code);
    const own = rules.child(key);
    const isOwn = !Array.isArray(rule) && own.text("code") !== undefined && isKind(own.text("kind"));
    if (!known && !isOwn) {
      throw new InvalidArgumentError(`${name}.rules["${key}"]`, "must be a FailureErrorCode or { code, kind }", rule);
    }
  }
}

function isKind(text: string | undefined): boolean {
  return Object.values(failureMeanings).some(([kind]) => kind === text);
}
