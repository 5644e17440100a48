/** How the page stands to the server; times are the page's own, and only go forward. */
export type Connection =
  | { readonly phase: "connecting"; readonly sinceMs: number }
  /** `heardMs`: when the cluster's state came last. */
  | { readonly phase: "open"; readonly heardMs: number; readonly everyMs: number }
  | { readonly phase: "waiting"; readonly reason: string; readonly retryAtMs: number }
  /** The server wants a token, or another one. */
  | { readonly phase: "refused" }
  | { readonly phase: "recorded" };

export type ConnectionState = "connecting" | "live" | "stale" | "disconnected" | "recording";

/** What the page says of its connection. */
export interface ShownConnection {
  readonly state: ConnectionState;
  readonly label: string;
  /** More words, for a tooltip. */
  readonly detail: string;
}

/** After so many missed messages what is shown no longer counts as the present. */
const missedUntilStale = 3;

export function shownConnection(connection: Connection, nowMs: number): ShownConnection {
  const { phase } = connection;
  if (phase === "recorded") return { state: "recording", label: "Recording", detail: "What is shown was recorded" };
  if (phase === "connecting") {
    return { state: "connecting", label: "Connecting", detail: "Waiting for the server's first word" };
  }
  if (phase === "refused") {
    return { state: "disconnected", label: "Disconnected: token needed", detail: "The server refused the token" };
  }
  if (phase === "waiting") {
    const seconds = Math.max(0, Math.ceil((connection.retryAtMs - nowMs) / 1000));
    return { state: "disconnected", label: `Disconnected: retry in ${seconds} s`, detail: connection.reason };
  }
  const silentMs = nowMs - connection.heardMs;
  if (silentMs <= missedUntilStale * connection.everyMs) {
    return { state: "live", label: "Live", detail: "Shown as it happens" };
  }
  const seconds = Math.floor(silentMs / 1000);
  return { state: "stale", label: `Stale for ${seconds} s`, detail: "Connected, but the server says nothing" };
}
