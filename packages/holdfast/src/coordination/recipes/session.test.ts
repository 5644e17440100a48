import { describe, expect, it } from "vitest";
import { asyncContext, takeContext, type Timer } from "../../runtime/system.ts";
import { VirtualClock } from "../../testing/index.ts";
import { createMemoryMember } from "../memory-member.ts";
import { openSession } from "./session.ts";
import { unreliable, type Mishap } from "../testing/unreliable-coordination.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (code: string) => expect.objectContaining({ code });
const noJitter = { next: () => 1 };

function start() {
  const clock = new VirtualClock();
  const member = createMemoryMember({ clock });
  let mishap: Mishap | undefined;
  const line = unreliable(member, (method) => (method === "leaseKeepAlive" ? mishap : undefined));
  return {
    clock,
    member,
    line,
    open: (ttlSeconds: number) => openSession(line, { ttlSeconds, clock, random: noJitter }),
    befall: (next: Mishap | undefined) => (mishap = next),
  };
}

/** As the platform's timers do, these go on with the context of whoever set them. */
class BoundClock extends VirtualClock {
  override setTimer(delayMs: number, callback: () => void): Timer {
    const context = takeContext();
    return super.setTimer(delayMs, () => context.runInAsyncScope(callback));
  }
}

describe("a session", () => {
  it("keeps its lease alive for as long as it is open, and takes it back then", async () => {
    const { clock, member, open } = start();
    const session = await open(3);
    await member.put({ key: bytes("k"), value: bytes("1"), lease: session.leaseId });
    await clock.advance(60_000);
    expect(session.held).toBe(true);
    expect((await member.range({ key: bytes("k") })).count).toBe(1);
    await session.close();
    await session.close();
    expect(session.held).toBe(false);
    expect(session.signal.reason).toEqual(code("SESSION_CLOSED"));
    expect((await member.range({ key: bytes("k") })).count).toBe(0);
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
  });

  it("is kept alive outside of the request that opened it", async () => {
    const clock = new BoundClock();
    const member = createMemoryMember({ clock });
    const request = asyncContext<string>();
    const seen: (string | undefined)[] = [];
    const leaseKeepAlive: typeof member.leaseKeepAlive = (...given) => {
      seen.push(request.current());
      return member.leaseKeepAlive(...given);
    };
    const watched = { ...member, leaseKeepAlive };
    const session = await request.run("request 1", () =>
      openSession(watched, { ttlSeconds: 3, clock, random: noJitter }),
    );
    await clock.advance(3_100);
    expect(seen).toEqual([undefined, undefined, undefined]);
    await session.close();
  });

  it("is in doubt before the cluster gives up on it, and lost when the cluster has", async () => {
    const { clock, member, line, open, befall } = start();
    const session = await open(3);
    const { whileHeld } = session;
    let expired: unknown;
    void session.expired.then((reason) => (expired = reason));
    befall("requestLost");
    await clock.advance(2_900);
    expect([session.held, whileHeld.aborted]).toEqual([true, false]);
    await clock.advance(80);
    expect([session.held, whileHeld.aborted]).toEqual([false, true]);
    expect(session.signal.aborted).toBe(false);
    expect((await member.leaseTimeToLive({ id: session.leaseId })).ttlSeconds).toBeGreaterThanOrEqual(0);
    expect(line.mishaps.length).toBeGreaterThan(2);
    await clock.advance(2_000);
    expect((await member.leaseTimeToLive({ id: session.leaseId })).ttlSeconds).toBe(-1);
    befall(undefined);
    await clock.advance(500);
    expect(session.signal.reason).toEqual(code("SESSION_LOST"));
    expect(expired).toBe(session.signal.reason);
    await session.close();
    await member.close();
    expect(clock.pending).toBe(0);
  });

  it("holds again when a keep-alive is answered in time for the cluster, under another signal", async () => {
    const { clock, open, befall, line } = start();
    // Lost answers keep the lease alive without this process knowing it.
    const session = await open(3);
    const { whileHeld } = session;
    befall("answerLost");
    await clock.advance(10_000);
    expect(session.held).toBe(false);
    expect(line.mishaps.length).toBeGreaterThan(5);
    const waiting = session.untilHeld(new AbortController().signal);
    befall(undefined);
    await clock.advance(500);
    await waiting;
    expect(session.held).toBe(true);
    expect(whileHeld.aborted).toBe(true);
    expect(session.whileHeld.aborted).toBe(false);
    await session.close();
  });

  it("counts from when the request was sent, not from when the answer came", async () => {
    const { clock, open, befall } = start();
    const session = await open(3);
    const { promise: delay, resolve: arrive } = Promise.withResolvers<void>();
    befall({ delay });
    await clock.advance(1_000);
    befall("requestLost");
    await clock.advance(1_900);
    arrive();
    await clock.advance(0);
    // Sent at 1 000: good until 3 970.
    await clock.advance(1_060);
    expect(session.held).toBe(true);
    await clock.advance(20);
    expect(session.held).toBe(false);
    await session.close();
  });

  it("knows at once that it stood still, whatever timers and answers come first", async () => {
    let now = 0;
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    const { promise: delay, resolve: arrive } = Promise.withResolvers<void>();
    let mishap: Mishap | undefined;
    const line = unreliable(member, (method) => (method === "leaseKeepAlive" ? mishap : undefined));
    // Its own reading of the time goes on while its timers stand still.
    const stalling = Object.assign(Object.create(clock) as typeof clock, {
      now: () => clock.now() + now,
      setTimer: clock.setTimer.bind(clock),
      sleep: clock.sleep.bind(clock),
      defer: clock.defer.bind(clock),
    });
    const session = await openSession(line, { ttlSeconds: 3, clock: stalling });
    mishap = { delay };
    await clock.advance(1_000);
    const { whileHeld } = session;
    now = 20_000;
    expect(session.held).toBe(false);
    // The answer to what was sent before it stood still says nothing about now.
    mishap = undefined;
    arrive();
    await clock.advance(0);
    expect(session.held).toBe(false);
    expect(whileHeld.aborted).toBe(true);
    await clock.advance(1_000);
    expect(session.held).toBe(true);
    await session.close();
  });

  it("keeps another's lease alive, and leaves it when detached", async () => {
    const { clock, member, line } = start();
    const { id } = await member.leaseGrant({ ttlSeconds: 3 });
    const session = await openSession(line, { leaseId: id, clock });
    expect(session.ttlSeconds).toBe(3);
    await clock.advance(10_000);
    session.detach();
    await clock.advance(2_000);
    expect((await member.leases()).leases).toEqual([id]);
    await clock.advance(3_000);
    expect((await member.leases()).leases).toEqual([]);
    await expect(openSession(line, { leaseId: id, clock })).rejects.toEqual(code("LEASE_NOT_FOUND"));
  });

  it("ends when its service has stopped, and closes all the same", async () => {
    const { clock, member, open } = start();
    const session = await open(3);
    await member.close();
    await clock.advance(2_900);
    expect(session.signal.aborted).toBe(false);
    await clock.advance(1_000);
    expect(session.signal.reason).toEqual(code("SESSION_LOST"));
    await session.close();
    expect(clock.pending).toBe(0);
  });

  it("survives grants whose answers are lost", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    const lost: Mishap[] = ["requestLost", "answerLost"];
    const line = unreliable(member, () => lost.shift());
    const opening = openSession(line, { clock, random: noJitter });
    await clock.advance(1_000);
    const session = await opening;
    expect(line.mishaps).toEqual(["leaseGrant", "leaseGrant"]);
    expect(session).toMatchObject({ ttlSeconds: 10, held: true });
    await session.close();
    await member.close();
  });

  it("refuses options that mean nothing", async () => {
    const { member } = start();
    await expect(openSession(member, { ttlSeconds: 0 })).rejects.toThrow("session.ttlSeconds must be an integer >= 1");
    await expect(openSession(member, { ttl: 5 } as object)).rejects.toThrow("session.ttl is no option");
  });
});
