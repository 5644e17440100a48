import type { ResponseHeader } from "../coordination.ts";
import { sizeOfEvent, type WatchBatch } from "./watch-event.ts";
import type { WatchEvent, WatchResponse } from "./watch.ts";

export interface PackOptions {
  readonly maxBytes: number;
  readonly fragment: boolean;
  readonly header: (revision: number) => ResponseHeader;
  readonly presentRevision: number;
}

/** Packs batches into as few responses as `maxBytes` allows. */
export function packBatches(batches: readonly WatchBatch[], options: PackOptions): WatchResponse[] {
  const responses: WatchResponse[] = [];
  let at = 0;
  while (at < batches.length) {
    const events: WatchEvent[] = [];
    let bytes = 0;
    let revision = 0;
    do {
      const batch = batches[at++]!;
      for (const event of batch.events) events.push(event);
      bytes += batch.bytes;
      revision = batch.revision;
    } while (at < batches.length && bytes + batches[at]!.bytes <= options.maxBytes);
    const response = { header: options.header(revision), events, presentRevision: options.presentRevision };
    if (options.fragment && bytes > options.maxBytes) responses.push(...splitResponse(response, options.maxBytes));
    else responses.push(response);
  }
  return responses;
}

/** Fragments of up to `maxBytes`, at least one event in each. */
export function splitResponse({ events, ...others }: WatchResponse, maxBytes: number): WatchResponse[] {
  const fragments: WatchResponse[] = [];
  let part: WatchEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = sizeOfEvent(event);
    if (part.length > 0 && bytes + size > maxBytes) {
      fragments.push({ ...others, events: part, fragment: true });
      part = [];
      bytes = 0;
    }
    part.push(event);
    bytes += size;
  }
  fragments.push({ ...others, events: part });
  return fragments;
}
