import { describe, expect, it } from "vitest";
import { WatchProgress } from "./remote-watch-progress.ts";
import type { WatchEvent, WatchResponse } from "../watches/watch.ts";

const none = new Uint8Array(0);

function events(revision: number, names: string): WatchEvent[] {
  return Array.from(names, (name) => ({
    type: "put",
    pair: {
      key: new TextEncoder().encode(name),
      value: none,
      createRevision: revision,
      modRevision: revision,
      version: 1,
      lease: 0n,
    },
  }));
}

function response(revision: number, names: string, more: Partial<WatchResponse> = {}): WatchResponse {
  return { header: { clusterId: 1n, memberId: 1n, revision, term: 1 }, events: events(revision, names), ...more };
}

function namesOf(told: WatchResponse | undefined): string | undefined {
  return told && told.events.map(({ pair }) => new TextDecoder().decode(pair.key)).join("");
}

describe("how far a watch over a line has got", () => {
  it("goes on after the last revision told, and from the start before", () => {
    const progress = new WatchProgress(0);
    expect(progress.resume()).toBe(0);
    progress.begin(5);
    expect([progress.startRevision, progress.resume()]).toEqual([5, 5]);
    expect(namesOf(progress.take(response(7, "a")))).toBe("a");
    progress.begin(8);
    expect([progress.startRevision, progress.resume()]).toEqual([5, 8]);
  });

  it("does not repeat the fragments of a revision that was told in part", () => {
    const progress = new WatchProgress(3);
    const fragment = { fragment: true };
    expect(namesOf(progress.take(response(3, "ab", fragment)))).toBe("ab");
    expect(namesOf(progress.take(response(3, "c", fragment)))).toBe("c");
    expect(progress.resume()).toBe(3);
    expect(progress.take(response(3, "ab", fragment))).toBeUndefined();
    // And a line that is lost again, in the middle of what is being repeated.
    expect(progress.resume()).toBe(3);
    expect(progress.take(response(3, "ab", fragment))).toBeUndefined();
    expect(namesOf(progress.take(response(3, "cd", fragment)))).toBe("d");
    expect(progress.take(response(3, "e"))).toMatchObject(response(3, "e"));
    expect(progress.resume()).toBe(4);
    expect(namesOf(progress.take(response(4, "a")))).toBe("a");
  });

  it("takes the word of a member that is behind for no step back", () => {
    const progress = new WatchProgress(1);
    progress.take(response(9, "a"));
    expect(progress.take(response(4, "", { progress: true }))?.header.revision).toBe(9);
    expect(progress.resume()).toBe(10);
    expect(progress.take(response(12, "", { progress: true }))?.header.revision).toBe(12);
    expect(progress.resume()).toBe(13);
  });
});
