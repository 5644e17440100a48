import { InvalidArgumentError } from "../../errors/base.ts";
import { keyRange, type KeyRange } from "../key-value/key-range.ts";
import type { WatchRequest } from "./watch.ts";

/** Which changes a watch tells of, and how. */
export interface WatchFilter extends KeyRange {
  readonly puts: boolean;
  readonly deletes: boolean;
  readonly previousPairs: boolean;
}

const defaultMaxBytes = 1_572_864;
const firstKey = new Uint8Array(1);

/** What is asked for. @throws InvalidArgumentError for a number or a range that makes no sense */
export function readWatchRequest(request: WatchRequest): {
  readonly filter: WatchFilter;
  readonly startRevision: number;
  readonly maxBytes: number;
} {
  const { rangeEnd, startRevision = 0, maxBytes = defaultMaxBytes } = request;
  requireInteger("watch.startRevision", startRevision, 0);
  requireInteger("watch.maxBytes", maxBytes, 1);
  const range = keyRange(request.key.length === 0 ? firstKey : request.key, rangeEnd);
  if (range.to !== undefined && range.to <= range.from) {
    throw new InvalidArgumentError("watch.rangeEnd", "must be above the key", range.to);
  }
  const filter = {
    ...range,
    puts: request.noPut !== true,
    deletes: request.noDelete !== true,
    previousPairs: request.previousPairs === true,
  };
  return { filter, startRevision, maxBytes };
}

/** The same for filters that tell the same. */
export function filterId({ from, to, puts, deletes, previousPairs }: WatchFilter): string {
  const flags = (puts ? 1 : 0) + (deletes ? 2 : 0) + (previousPairs ? 4 : 0);
  return `${flags}${from.length}:${from}${to ?? ""}${to === undefined ? "+" : "-"}`;
}

export function inRange({ from, to }: KeyRange, key: string): boolean {
  return key >= from && (to === undefined || key < to);
}

function requireInteger(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(name, `must be a safe integer >= ${least}`, value);
  }
}
