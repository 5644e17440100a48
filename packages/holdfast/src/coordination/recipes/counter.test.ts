import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { counter } from "./counter.ts";
import { createMemoryMember } from "../memory-member.ts";
import { openSession } from "./session.ts";
import { unreliable } from "../testing/unreliable-coordination.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (code: string) => expect.objectContaining({ code });

describe("a counter", () => {
  it("adds, and is text for everybody", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    const session = await openSession(member, { clock });
    const tickets = counter(session, "tickets");
    expect(await tickets.get()).toBe(0);
    expect(await tickets.add()).toBe(1);
    expect(await Promise.all([tickets.add(5), tickets.add(-2), tickets.add(0)])).toEqual([6, 4, 4]);
    expect((await member.range({ key: bytes("tickets") })).pairs[0]?.value).toEqual(bytes("4"));
    await session.close();
    expect((await member.range({ key: bytes("\0"), rangeEnd: bytes("\0") })).count).toBe(1);
    expect(await tickets.get()).toBe(4);
    await expect(tickets.add()).rejects.toEqual(code("SESSION_CLOSED"));
  });

  it("adds once, whatever requests and answers are lost and whoever else adds", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    const random = seededRandom(5);
    const fates = ["requestLost", "answerLost", undefined] as const;
    const line = unreliable(member, (method) => (method === "txn" ? fates[random.integer(0, 2)] : undefined));
    const sums: Promise<number>[] = [];
    const sessions = [];
    for (let at = 0; at < 5; at++) {
      const session = await openSession(line, { clock, random: random.fork(`session ${at}`) });
      sessions.push(session);
      const tickets = counter(session, "tickets");
      for (let times = 0; times < 20; times++) sums.push(tickets.add());
    }
    await clock.advance(600_000);
    const told = (await Promise.all(sums)).sort((left, right) => left - right);
    expect(told).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(line.mishaps.length).toBeGreaterThan(200);
    for (const session of sessions) await session.close();
  });

  it("refuses what is no number, and sums that no number can be", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    const session = await openSession(member, { clock });
    const tickets = counter(session, "tickets");
    expect(() => tickets.add(0.5)).toThrow("counter.by must be a safe integer");
    expect(() => counter(session, "")).toThrow("counter.name must not be empty");
    await tickets.add(Number.MAX_SAFE_INTEGER);
    await expect(tickets.add()).rejects.toEqual(code("NOT_A_COUNTER"));
    expect(await tickets.add(-1)).toBe(Number.MAX_SAFE_INTEGER - 1);
    await member.put({ key: bytes("tickets"), value: bytes("many") });
    await expect(tickets.add()).rejects.toThrow(`one too large: "many"`);
    await expect(tickets.get()).rejects.toEqual(code("NOT_A_COUNTER"));
    await session.close();
  });

  it("gives up when its time is over, and goes on with the next", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    let lost = true;
    const line = unreliable(member, (method) => (lost && method === "txn" ? "requestLost" : undefined));
    const session = await openSession(line, { clock });
    const tickets = counter(session, "tickets");
    const late = expect(tickets.add(1, { timeoutMs: 500 })).rejects.toEqual(code("TIMED_OUT"));
    await clock.advance(500);
    await late;
    expect(line.mishaps.length).toBeGreaterThan(1);
    lost = false;
    expect(await tickets.add()).toBe(1);
    await session.close();
  });
});
