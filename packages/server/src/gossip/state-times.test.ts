import type { Member, MembershipEvent } from "holdfast/membership";
import { VirtualClock } from "holdfast/testing";
import { expect, it } from "vitest";
import { StateTimes } from "./state-times.ts";

const member: Member = {
  name: "n2",
  host: "127.0.0.1",
  port: 1,
  meta: new Uint8Array(0),
  incarnation: 0,
  state: "alive",
};

it("counts from the last change of state, and not from other news", async () => {
  const clock = new VirtualClock();
  const times = new StateTimes(clock);
  times.enter("n1");
  const changes: readonly MembershipEvent[] = [
    { type: "join", member },
    { type: "suspect", member, from: "n3" },
    { type: "cleared", member },
    { type: "failed", member, from: "n3" },
    { type: "return", member },
    { type: "left", member },
  ];
  for (const change of changes) {
    times.take(change);
    await clock.advance(300);
    times.take({ type: "update", member });
    expect(times.sinceMs("n2"), change.type).toBe(300);
  }
  expect(times.sinceMs("n1")).toBe(1_800);
  times.take({ type: "forgotten", member });
  expect(times.sinceMs("n2")).toBeUndefined();
});
