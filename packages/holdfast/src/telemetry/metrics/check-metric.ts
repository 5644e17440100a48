import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { MetricOptions } from "./metric.ts";

const namePattern = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelPattern = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

const maxNameLength = 128;
const maxLabels = 16;
const maxBuckets = 64;

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkMetric(options: MetricOptions<string>, more: readonly string[]): void {
  checkOptionNames("metric", options, ["name", "help", "labels", "maxSeries", ...more]);
  const { name, help, labels = [] } = options;
  if (typeof name !== "string" || name.length > maxNameLength || !namePattern.test(name)) {
    throw new InvalidArgumentError("metric.name", "must be letters, digits, _ and :, not a digit first", name);
  }
  if (typeof help !== "string" || help === "") {
    throw new InvalidArgumentError("metric.help", "must say what is measured", help);
  }
  if (!Array.isArray(labels) || labels.length > maxLabels) {
    throw new InvalidArgumentError("metric.labels", `must be a list of at most ${maxLabels} names`, labels);
  }
  for (const [at, label] of labels.entries()) {
    if (typeof label !== "string" || !labelPattern.test(label) || label === "le" || labels.indexOf(label) !== at) {
      throw new InvalidArgumentError(`metric.labels[${at}]`, "must be another name of letters, digits and _", label);
    }
  }
  if (options.maxSeries !== undefined) checkInteger("metric.maxSeries", options.maxSeries, 1, mostSeries);
}

export const mostSeries = 1_000_000;

/** @throws InvalidArgumentError */
export function checkBuckets(buckets: readonly number[], name: string = "metric.buckets"): void {
  const rises = (bound: number, at: number): boolean =>
    Number.isFinite(bound) && (at === 0 || bound > (buckets[at - 1] ?? Infinity));
  if (!Array.isArray(buckets) || buckets.length === 0 || buckets.length > maxBuckets || !buckets.every(rises)) {
    throw new InvalidArgumentError(name, `must be 1 to ${maxBuckets} numbers, ascending`, buckets);
  }
}
