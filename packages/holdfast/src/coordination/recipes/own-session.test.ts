import { describe, expect, it } from "vitest";
import { OwnSession } from "./own-session.ts";

describe("a member's own session", () => {
  it("numbers its requests, and acknowledges all before the oldest that is not over", () => {
    const session = new OwnSession(5, 17);
    const named = { client: 5, since: 17 };
    const first = session.begin();
    const second = session.begin();
    const third = session.begin();
    expect([first, second, third]).toEqual([
      { ...named, sequence: 1, acknowledged: 0 },
      { ...named, sequence: 2, acknowledged: 0 },
      { ...named, sequence: 3, acknowledged: 0 },
    ]);
    session.end(second);
    expect(session.begin()).toEqual({ ...named, sequence: 4, acknowledged: 0 });
    session.end(first);
    expect(session.begin()).toEqual({ ...named, sequence: 5, acknowledged: 2 });
    for (const sequence of [3, 4, 5]) session.end({ ...named, sequence, acknowledged: 0 });
    expect(session.begin()).toEqual({ ...named, sequence: 6, acknowledged: 5 });
  });

  it("is not changed by the end of another session's request, or by a second end", () => {
    const session = new OwnSession(5, 0);
    const first = session.begin();
    session.end({ ...first, client: 6 });
    expect(session.begin().acknowledged).toBe(0);
    session.end(first);
    session.end(first);
    expect(session.begin()).toMatchObject({ sequence: 3, acknowledged: 1 });
  });

  it("never acknowledges what is still open, in any order of ends", () => {
    const session = new OwnSession(1, 0);
    const open = new Map<number, ReturnType<OwnSession["begin"]>>();
    for (let step = 0; step < 2000; step++) {
      const identity = session.begin();
      open.set(identity.sequence, identity);
      expect(identity.acknowledged).toBe(Math.min(...open.keys()) - 1);
      // Ends two of three, chosen all over the range that is open.
      const victim = [...open.values()][(step * 7919) % open.size]!;
      if (step % 3 === 0) continue;
      open.delete(victim.sequence);
      session.end(victim);
    }
  });
});
