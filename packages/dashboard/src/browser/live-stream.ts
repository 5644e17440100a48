import type { LiveMessage } from "holdfast/telemetry";
import type { Connection } from "../model/connection.ts";
import { retryDelayMs } from "../stream/backoff.ts";
import { parsedJson, problemText } from "../stream/problem-text.ts";
import { readMessage } from "../stream/read-message.ts";
import { eventParser } from "../stream/sse-parser.ts";
import { after, every, randomShare, steadyNow, wallNow } from "./page-time.ts";
import { authorization } from "./session-token.ts";

export interface LiveStreamOptions {
  readonly url: string;
  readonly onMessage: (message: LiveMessage) => void;
  readonly onConnection: (connection: Connection) => void;
  /** What the server said that the page cannot show. */
  readonly onProblem: (problem: string) => void;
}

export interface LiveStream {
  /** Comes back at once: with a new token, or because somebody asked. */
  reconnect(): void;
  close(): void;
}

/** Without a word for so long, the connection counts as dead. */
const silenceMs = 15_000;
/** The machine slept when its clock is so much further than the page's time, which stands still meanwhile. */
const sleptMs = 3_000;

/** Follows the stream, and comes back to it where it was for as long as the page is open. */
export function followStream(options: LiveStreamOptions): LiveStream {
  const { url, onMessage, onConnection, onProblem } = options;
  let lastId = "";
  let attempt = 0;
  let everyMs = 1_000;
  let round = new AbortController();
  let stopWaiting: () => void = () => undefined;
  let isClosed = false;
  /** The present connection was given up because nothing came. */
  let isSilent = false;
  /** What the server asks for when it is too busy. */
  let leastMs = 0;

  async function connect(): Promise<void> {
    round.abort();
    stopWaiting();
    if (isClosed) return;
    const current = new AbortController();
    round = current;
    onConnection({ phase: "connecting", sinceMs: steadyNow() });
    let reason: string;
    isSilent = false;
    leastMs = 0;
    try {
      reason = await read(current);
    } catch (error) {
      const text = (error as Error).message;
      reason = isSilent ? "The server says nothing" : `The server cannot be reached (${text})`;
    }
    if (round !== current || isClosed || reason === "refused") return;
    attempt += 1;
    const waitMs = retryDelayMs(attempt, randomShare(), leastMs);
    onConnection({ phase: "waiting", reason, retryAtMs: steadyNow() + waitMs });
    stopWaiting = after(waitMs, () => void connect());
  }

  /** Gives why it ended. */
  async function read(current: AbortController): Promise<string> {
    const giveUp = (): void => {
      isSilent = true;
      current.abort();
    };
    let silence = after(silenceMs, giveUp);
    try {
      const headers = {
        ...authorization(),
        accept: "text/event-stream",
        ...(lastId === "" ? {} : { "last-event-id": lastId }),
      };
      const response = await fetch(url, { headers, signal: current.signal, cache: "no-store" });
      if (response.status === 401) {
        onConnection({ phase: "refused" });
        return "refused";
      }
      if (!response.ok || response.body === null) {
        const seconds = Number(response.headers.get("retry-after") ?? 0);
        if (seconds > 0) leastMs = seconds * 1_000;
        return problemText(await response.text()) ?? `The server answered ${response.status} ${response.statusText}`;
      }
      const parser = eventParser(lastId);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return "The server ended the stream";
        silence();
        silence = after(silenceMs, giveUp);
        for (const event of parser.push(value)) {
          if (event.name === "message") take(event.data);
        }
        lastId = parser.lastId;
      }
    } finally {
      silence();
      current.abort();
    }
  }

  function take(data: string): void {
    const value = parsedJson(data);
    if (value === undefined) {
      onProblem("The server sent a message that is no JSON");
      return;
    }
    const { message, problem } = readMessage(value);
    if (problem !== undefined) onProblem(`The server sent ${problem}`);
    if (message === undefined) return;
    if (message.type === "hello") everyMs = message.everyMs;
    if (message.type === "cluster") {
      attempt = 0;
      onConnection({ phase: "open", heardMs: steadyNow(), everyMs });
    }
    onMessage(message);
  }

  const again = (): void => {
    attempt = 0;
    void connect();
  };
  window.addEventListener("online", again);
  let aheadMs = wallNow() - steadyNow();
  const stopLooking = every(1_000, () => {
    const beforeMs = aheadMs;
    aheadMs = wallNow() - steadyNow();
    // Nobody knows whether the connection has outlived that: what is shown is of before.
    if (aheadMs - beforeMs > sleptMs) again();
  });
  void connect();
  return {
    reconnect: again,
    close() {
      isClosed = true;
      stopLooking();
      window.removeEventListener("online", again);
      stopWaiting();
      round.abort();
    },
  };
}
