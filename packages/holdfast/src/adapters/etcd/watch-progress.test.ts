import { array, assert, boolean, integer, nat, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import type { WatchEvent, WatchResponse } from "../../coordination/index.ts";
import { WatchProgress } from "./watch-progress.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const header = { clusterId: 1n, memberId: 2n, revision: 999, term: 3 };

function event(revision: number, name: string, size: number = 1): WatchEvent {
  const pair = { createRevision: revision, modRevision: revision, version: 1, lease: 0n };
  return { type: "put", pair: { ...pair, key: bytes(name), value: new Uint8Array(size) } };
}

function story(responses: readonly WatchResponse[]): string[] {
  return responses.map(({ header: { revision }, events, fragment }) => {
    const told = events.map(({ pair }) => `${pair.modRevision}${new TextDecoder().decode(pair.key)}`);
    return `${revision}: ${told.join(" ")}${fragment === true ? " …" : ""}`;
  });
}

describe("the progress of a watch", () => {
  it("tells as far as the events go, and not the revision of the store", () => {
    const progress = new WatchProgress({ startRevision: 5, maxBytes: 1000, fragment: false });
    const events = [event(5, "a"), event(5, "b"), event(7, "c")];
    expect(story(progress.take({ header, events, fragment: false }))).toEqual(["7: 5a 5b 7c"]);
    expect(progress.resume()).toBe(8);
    expect(progress.take({ header, events, fragment: false })).toEqual([]);
    progress.reached(20);
    expect(progress.resume()).toBe(21);
    progress.reached(3);
    expect(progress.resume()).toBe(21);
  });

  it("packs by size, and splits a revision only when told to", () => {
    const events = [event(5, "a", 100), event(6, "b", 100), event(6, "c", 100), event(6, "d", 100), event(7, "e")];
    const options = { startRevision: 1, maxBytes: 350 };
    const arrived = { header, events, fragment: false };
    const whole = new WatchProgress({ ...options, fragment: false });
    expect(story(whole.take(arrived))).toEqual(["5: 5a", "6: 6b 6c 6d", "7: 7e"]);
    const parts = new WatchProgress({ ...options, fragment: true });
    expect(story(parts.take(arrived))).toEqual(["5: 5a", "6: 6b 6c …", "6: 6d", "7: 7e"]);
  });

  it("goes on in the middle of a revision when its stream breaks there", () => {
    const progress = new WatchProgress({ startRevision: 5, maxBytes: 1000, fragment: true });
    const all = [event(5, "a"), event(6, "b"), event(6, "c"), event(6, "d"), event(6, "e")];
    // Whether revision 6 goes on after d is not known yet.
    expect(story(progress.take({ header, events: all.slice(0, 4), fragment: true }))).toEqual(["6: 5a 6b 6c …"]);
    expect(progress.resume()).toBe(6);
    expect(story(progress.take({ header, events: all.slice(1), fragment: false }))).toEqual(["6: 6d 6e"]);
    expect(progress.resume()).toBe(7);
  });

  it("tells every event once, in order, however its streams are cut and break", () => {
    const arrival = record({ revision: nat(3), events: integer({ min: 1, max: 5 }), size: nat(200) });
    assert(
      property(
        array(arrival, { maxLength: 12 }),
        array(record({ take: integer({ min: 1, max: 6 }), breaks: boolean() }), { maxLength: 40 }),
        integer({ min: 100, max: 800 }),
        (changes, cuts, maxBytes) => {
          let revision = 1;
          const history = changes.flatMap((change, at) => {
            revision += 1 + change.revision;
            return Array.from({ length: change.events }, (_, number) =>
              event(revision, `${at}.${number}`, change.size),
            );
          });
          const progress = new WatchProgress({ startRevision: 1, maxBytes, fragment: true });
          const told: WatchResponse[] = [];
          let at = 0;
          for (const { take, breaks } of [
            ...cuts,
            ...Array.from({ length: 200 }, () => ({ take: 6, breaks: false })),
          ]) {
            const events = history.slice(at, at + take);
            at += events.length;
            if (events.length > 0) told.push(...progress.take({ header, events, fragment: at < history.length }));
            if (!breaks) continue;
            const from = progress.resume();
            const next = history.findIndex(({ pair }) => pair.modRevision >= from);
            at = next < 0 ? history.length : next;
          }
          expect(told.flatMap(({ events }) => events)).toEqual(history);
          // A fragment is followed by more of its revision; anything else is not.
          for (const [index, response] of told.entries()) {
            const following = told[index + 1]?.events[0]?.pair.modRevision;
            const goesOn = following === response.header.revision;
            expect(response.fragment ?? false).toBe(goesOn);
          }
        },
      ),
    );
  });
});
