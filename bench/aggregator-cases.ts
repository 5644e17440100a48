import { NetworkError, type ErrorAggregatorSettings } from "holdfast/errors";

/** How many errors one measurement records. */
export const records = 1_000_000;

export interface AggregatorFigures {
  /** CPU time of one record, of all threads. */
  readonly ns: number;
  /** What the aggregator has added to the heap in the end. */
  readonly mib: number;
}

interface AggregatorCase {
  readonly title: string;
  /** Error number `i`; made outside the measured time. */
  readonly make: (i: number) => unknown;
  readonly settings?: ErrorAggregatorSettings;
  readonly context?: (i: number) => Readonly<Record<string, string>>;
}

const plain = (message: string): object => ({
  kind: "network",
  code: "CONNECTION_REFUSED",
  operation: "read",
  message,
});

const letters = (i: number): string =>
  String.fromCharCode(
    97 + (i % 26),
    97 + ((i / 26) % 26),
    97 + ((i / 676) % 26),
    97 + ((i / 17_576) % 26),
    97 + i / 456_976,
  );

export const aggregatorCases: Readonly<Record<string, AggregatorCase>> = {
  few: {
    title: "errors of 100 groups",
    make: (i) => plain(`${letters(i % 100)}: connect ECONNREFUSED 10.0.0.${i % 255}:${i % 65_536}`),
  },
  context: {
    title: "the same with a context",
    make: (i) => plain(`${letters(i % 100)}: connect ECONNREFUSED 10.0.0.${i % 255}:${i % 65_536}`),
    context: (i) => ({ region: i % 3 === 0 ? "us" : "eu", host: `host-${i % 7}` }),
  },
  flood: { title: "errors that are all different", make: (i) => plain(`no route to host ${letters(i)}`) },
  failures: {
    title: "failures with stacks that nobody has read yet",
    make: (i) => new NetworkError(`connect ECONNREFUSED 10.0.0.${i % 255}:${i % 65_536}`),
  },
  frameless: {
    title: "the same without looking at frames",
    make: (i) => new NetworkError(`connect ECONNREFUSED 10.0.0.${i % 255}:${i % 65_536}`),
    settings: { frames: false },
  },
};
