import { signal, type Signal } from "@preact/signals";

const stored = "holdfast-dashboard-token";

/** What requests bring; empty where none is known. Kept for as long as the tab is open. */
export const sessionToken: Signal<string> = signal(fromStorage());

/** Takes `#token=…` out of the address, so that it is neither seen nor bookmarked; whether there was one. */
export function takeTokenFromAddress(): boolean {
  const match = /^#token=([^&]+)&?(.*)$/.exec(location.hash);
  if (match === null) return false;
  setToken(decoded(match[1] ?? ""));
  history.replaceState(null, "", `${location.pathname}${location.search}${match[2] ? `#${match[2]}` : ""}`);
  return true;
}

export function setToken(token: string): void {
  sessionToken.value = token;
  try {
    sessionStorage.setItem(stored, token);
  } catch {
    // A browser that keeps nothing asks again after a reload.
  }
}

/** The header of every request; none without a token. */
export function authorization(): Record<string, string> {
  return sessionToken.value === "" ? {} : { authorization: `Bearer ${sessionToken.value}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fromStorage(): string {
  try {
    return sessionStorage.getItem(stored) ?? "";
  } catch {
    return "";
  }
}
