import type { ResponseHeader, WatchEvent, WatchResponse } from "../../coordination/index.ts";

export interface PackingOptions {
  readonly maxBytes: number;
  /** Whether what one revision changed may be split. */
  readonly fragment: boolean;
  /** Its revision is replaced by that of the last event: etcd's is the store's, which may be further than what was told. */
  readonly header: ResponseHeader;
}

/** What the fields of a pair take on the wire besides its key and its value, at most. */
const pairOverheadBytes = 64;

/** Packs events, which are in order, into as few responses as `maxBytes` allows. */
export function packEvents(events: readonly WatchEvent[], options: PackingOptions): WatchResponse[] {
  const { maxBytes, fragment } = options;
  const responses: WatchResponse[] = [];
  let part: WatchEvent[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (part.length > 0) responses.push(responseOf(part, options));
    part = [];
    bytes = 0;
  };
  for (const revision of byRevision(events)) {
    const size = revision.reduce((sum, event) => sum + sizeOf(event), 0);
    if (bytes + size > maxBytes) flush();
    if (fragment && size > maxBytes) {
      responses.push(...split(revision, options));
      continue;
    }
    part.push(...revision);
    bytes += size;
  }
  flush();
  return responses;
}

function split(revision: readonly WatchEvent[], options: PackingOptions): WatchResponse[] {
  const fragments: WatchEvent[][] = [[]];
  let bytes = 0;
  for (const event of revision) {
    const size = sizeOf(event);
    if (bytes > 0 && bytes + size > options.maxBytes) {
      fragments.push([]);
      bytes = 0;
    }
    fragments.at(-1)!.push(event);
    bytes += size;
  }
  const last = fragments.pop()!;
  return [
    ...fragments.map((events) => ({ ...responseOf(events, options), fragment: true })),
    responseOf(last, options),
  ];
}

function* byRevision(events: readonly WatchEvent[]): Generator<readonly WatchEvent[]> {
  let start = 0;
  for (let at = 1; at <= events.length; at++) {
    if (at < events.length && revisionOf(events[at]!) === revisionOf(events[start]!)) continue;
    yield events.slice(start, at);
    start = at;
  }
}

function responseOf(events: readonly WatchEvent[], { header }: PackingOptions): WatchResponse {
  return { header: { ...header, revision: revisionOf(events.at(-1)!) }, events };
}

export function revisionOf({ pair }: WatchEvent): number {
  return pair.modRevision;
}

function sizeOf({ pair, previousPair }: WatchEvent): number {
  const bytes = pair.key.length + pair.value.length + pairOverheadBytes;
  if (previousPair === undefined) return bytes;
  return bytes + previousPair.key.length + previousPair.value.length + pairOverheadBytes;
}
