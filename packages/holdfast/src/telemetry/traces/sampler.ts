import { checkFunction, checkNumber, checkOptionNames } from "../../errors/base.ts";
import type { SpanKind } from "./span.ts";
import type { TraceContext } from "./trace-context.ts";

/** What a sampler goes by. */
export interface SamplingRequest {
  readonly traceId: string;
  /** Undefined for the first span of a trace. */
  readonly parent: TraceContext | undefined;
  readonly name: string;
  readonly kind: SpanKind;
}

/** Whether a span is recorded. What it throws counts as no. */
export type Sampler = (request: SamplingRequest) => boolean;

export const alwaysSample: Sampler = () => true;

export const neverSample: Sampler = () => false;

/**
 * That share of traces, by their ids: whoever asks with the same ratio decides the same, and a higher ratio takes all that
 * a lower one takes.
 *
 * @throws InvalidArgumentError unless `ratio` is from 0 to 1
 */
export function sampleRatio(ratio: number): Sampler {
  checkNumber("sampleRatio.ratio", ratio, 0, 1);
  const threshold = Math.round(ratio * 2 ** 48);
  // Of the last 56 bits, which are the random ones (W3C Trace Context Level 2, 3.2.2.5.1), the first 48.
  return ({ traceId }) => Number.parseInt(traceId.slice(18, 30), 16) < threshold;
}

export interface ParentSamplerOptions {
  /** Decides for traces that begin here. Default all. */
  readonly root?: Sampler;
  /** Decides where a span of another process is the parent and was sampled. Default yes. */
  readonly remoteSampled?: Sampler;
  /** As `remoteSampled`, where it was not sampled. Default no. */
  readonly remoteUnsampled?: Sampler;
}

/**
 * As the parent, so that a trace is whole or not there.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 * @example
 * createTracer({ sampler: sampleByParent({ root: sampleRatio(0.1) }) });
 */
export function sampleByParent(options: ParentSamplerOptions = {}): Sampler {
  checkOptionNames("sampleByParent", options, ["root", "remoteSampled", "remoteUnsampled"]);
  const { root = alwaysSample, remoteSampled = alwaysSample, remoteUnsampled = neverSample } = options;
  checkFunction("sampleByParent.root", root);
  checkFunction("sampleByParent.remoteSampled", remoteSampled);
  checkFunction("sampleByParent.remoteUnsampled", remoteUnsampled);
  return (request) => {
    const { parent } = request;
    if (parent === undefined) return root(request);
    if (parent.isRemote !== true) return parent.sampled;
    return parent.sampled ? remoteSampled(request) : remoteUnsampled(request);
  };
}
