import type { WatchRequest } from "../../coordination/index.ts";
import { InvalidArgumentError } from "../../errors/base.ts";

/** @throws InvalidArgumentError for what a member refuses, too: a number or a range that makes no sense */
export function checkWatchRequest({ key, rangeEnd, startRevision = 0, maxBytes = 1 }: WatchRequest): void {
  requireInteger("watch.startRevision", startRevision, 0);
  requireInteger("watch.maxBytes", maxBytes, 1);
  if (rangeEnd === undefined || rangeEnd.length === 0 || (rangeEnd.length === 1 && rangeEnd[0] === 0)) return;
  if (Buffer.compare(rangeEnd, key) <= 0) {
    throw new InvalidArgumentError("watch.rangeEnd", "must be above the key", Buffer.from(rangeEnd).toString("latin1"));
  }
}

function requireInteger(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(name, `must be a safe integer >= ${least}`, value);
  }
}
