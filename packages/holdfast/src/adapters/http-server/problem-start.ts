import type { IncomingMessage } from "node:http";
import { systemClock } from "../../runtime/system.ts";

const startedAt: unique symbol = Symbol("holdfast.startedAt");

interface Timed {
  [startedAt]?: number;
}

let isWatching = false;

/**
 * Has Node's HTTP servers of this process note when a request came, which an error handler at the end of all handlers
 * cannot know. Elsewhere nothing is noted.
 */
export function noteStarts(): void {
  if (isWatching) return;
  isWatching = true;
  // Found at run time: this module also loads where there is no Node.
  const channels = globalThis.process?.getBuiltinModule?.("node:diagnostics_channel");
  channels?.subscribe("http.server.request.start", (message) => {
    noteStart((message as { readonly request: IncomingMessage }).request);
  });
}

export function noteStart(request: object): void {
  (request as Timed)[startedAt] = systemClock.now();
}

/** By the system's monotonic clock; undefined when it was not noted. */
export function startOf(request: object): number | undefined {
  return (request as Timed)[startedAt];
}
