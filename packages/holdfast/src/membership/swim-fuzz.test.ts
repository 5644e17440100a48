import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { sizeOf } from "./codec.ts";
import type { Message } from "./message.ts";
import { step } from "./swim-step.ts";
import { createSwim, isLive, type Swim } from "./swim.ts";

const name = fc.constantFrom("a", "b", "c", "d", "e");
const host = fc.constantFrom("h", "g");
const port = fc.integer({ min: 1, max: 6 });
const address = fc.record({ host, port });
const incarnation = fc.oneof(fc.nat(5), fc.constantFrom(2 ** 48, 2 ** 53, -1, Number.NaN, Number.POSITIVE_INFINITY));
const seq = fc.nat(0xffff_ffff);
const meta = fc.uint8Array({ maxLength: 3 });
const number = fc.oneof(fc.double(), fc.constantFrom(0, 1));
const coordinate = fc.record({
  vector: fc.array(number, { minLength: 7, maxLength: 9 }),
  height: number,
  error: number,
  adjustment: number,
});
const member = fc.record({
  name,
  host,
  port,
  meta,
  incarnation,
  state: fc.constantFrom("alive" as const, "suspect" as const, "dead" as const, "left" as const),
});
const source = fc.record({ name, host, port });

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant("ping" as const), seq, target: name, source }),
  fc.record({
    type: fc.constant("pingReq" as const),
    seq,
    target: name,
    targetHost: host,
    targetPort: port,
    source,
    wantsNack: fc.boolean(),
  }),
  fc.record({ type: fc.constant("ack" as const), seq, coordinate }),
  fc.record({ type: fc.constant("nack" as const), seq }),
  fc.record({ type: fc.constant("alive" as const), name, host, port, meta, incarnation }),
  fc.record({ type: fc.constant("suspect" as const), name, incarnation, from: name }),
  fc.record({ type: fc.constant("dead" as const), name, incarnation, from: name }),
  fc.record({ type: fc.constant("user" as const), id: name, payload: meta }),
  fc.record({
    type: fc.constant("pushPull" as const),
    join: fc.boolean(),
    members: fc.array(member, { maxLength: 4 }),
    reply: fc.boolean(),
  }),
);
const messages = fc.array(message, { maxLength: 4 });

/** Something happens, after some time that may be long. */
const happening = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(100_000)),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant("receive" as const), from: address, messages }) },
    { weight: 6, arbitrary: fc.record({ type: fc.constant("wake" as const) }) },
    fc.record({ type: fc.constant("streamRequest" as const), connection: fc.nat(9), messages }),
    fc.record({ type: fc.constant("streamAnswer" as const), exchange: fc.nat(9), messages }),
    fc.record({ type: fc.constant("streamFailed" as const), exchange: fc.nat(9) }),
    fc.record({ type: fc.constant("join" as const), addresses: fc.array(address, { maxLength: 2 }) }),
    fc.record({ type: fc.constant("updateMeta" as const), meta }),
    fc.record({ type: fc.constant("broadcast" as const), payload: meta }),
  ),
});

function isConsistent(swim: Swim, now: number): boolean {
  const records = [...swim.records.values()];
  return (
    swim.self.member.state === "alive" &&
    Number.isSafeInteger(swim.self.member.incarnation) &&
    swim.live === records.filter(isLive).length &&
    swim.order.size === records.length - 1 &&
    records.every((record) => swim.suspects.has(record) === (record.member.state === "suspect")) &&
    [...swim.suspects].every(({ suspicion }) => suspicion!.deadline >= swim.nextSuspicionAt) &&
    swim.wakeAt >= now &&
    swim.wakeAt < Number.POSITIVE_INFINITY &&
    swim.coordinates.coordinate.vector.every(Number.isFinite)
  );
}

describe("a member that is told anything at all", () => {
  // Once the same every time, to know that the drawn ones reach what they are about; then others every time.
  it.each([{ seed: 1 }, {}])("neither breaks nor lets itself be talked out of living: %j", (drawn) => {
    const happened = { members: 0, refutations: 0, failedProbes: 0, stalls: 0, refusedIncarnations: 0 };
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(happening, { minLength: 10, maxLength: 60, size: "max" }),
        (seed, happenings) => {
          const swim = createSwim({ name: "a", host: "h", port: 1, random: seededRandom(seed), sizeOf });
          let now = 0;
          for (const { afterMs, what } of happenings) {
            now += afterMs;
            step(swim, { ...what, now });
            expect(isConsistent(swim, now)).toBe(true);
          }
          happened.members = Math.max(happened.members, swim.records.size);
          for (const what of ["refutations", "failedProbes", "stalls", "refusedIncarnations"] as const) {
            happened[what] += swim.counts[what];
          }
        },
      ),
      { numRuns: 250, ...drawn },
    );
    if (!("seed" in drawn)) return;
    expect(happened.members).toBe(5);
    for (const count of Object.values(happened)) expect(count).toBeGreaterThan(4);
  });
});
