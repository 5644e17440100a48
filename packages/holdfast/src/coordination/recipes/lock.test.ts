import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { lock } from "./lock.ts";
import { createMemoryMember } from "../memory-member.ts";
import { openSession, type Session } from "./session.ts";
import { unreliable, type Mishap } from "../testing/unreliable-coordination.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (code: string) => expect.objectContaining({ code });
const all = { key: bytes("\0"), rangeEnd: bytes("\0") };

function start() {
  const clock = new VirtualClock();
  const member = createMemoryMember({ clock });
  const open = (ttlSeconds = 10): Promise<Session> => openSession(member, { ttlSeconds, clock });
  return { clock, member, open, keys: async () => (await member.range(all)).count };
}

describe("a lock", () => {
  it("goes from holder to holder in the order of arrival, with greater tokens", async () => {
    const { clock, open, keys } = start();
    const order: string[] = [];
    const tokens: number[] = [];
    const work = async (name: string): Promise<void> => {
      const held = await lock(await open(), "l").acquire();
      expect(held.held).toBe(true);
      order.push(name);
      tokens.push(held.token);
      await clock.sleep(1_000);
      await held.release();
      expect(held.held).toBe(false);
    };
    const names = ["a", "b", "c", "d"];
    const all: Promise<void>[] = [];
    for (const name of names) {
      all.push(work(name));
      await clock.advance(1);
    }
    await clock.advance(10_000);
    await Promise.all(all);
    expect(order).toEqual(names);
    expect(tokens).toEqual(tokens.toSorted((left, right) => left - right));
    expect(new Set(tokens).size).toBe(4);
    expect(await keys()).toBe(0);
  });

  it("wakes only the next in line", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    let looks = 0;
    const line = unreliable(member, (method) => {
      if (method === "range") looks++;
      return undefined;
    });
    const session = await openSession(line, { clock });
    const first = await lock(session, "l").acquire();
    const granted: number[] = [];
    const others = Array.from({ length: 20 }, async (_, at) => {
      const held = await lock(session, "l").acquire();
      granted.push(at);
      return held;
    });
    await clock.advance(0);
    // Each looks once who stands before it.
    expect(looks).toBe(20);
    await first.release();
    await clock.advance(0);
    expect(looks).toBe(21);
    expect(granted).toEqual([0]);
    for (const held of others) await (await held).release();
    expect(looks).toBe(40);
    await session.close();
  });

  it("is not shared within a session", async () => {
    const { clock, open } = start();
    const session = await open();
    const held = await lock(session, "l").acquire();
    expect(await lock(session, "l").tryAcquire()).toBeUndefined();
    let second: unknown;
    void lock(session, "l")
      .acquire()
      .then((other) => (second = other));
    await clock.advance(5_000);
    expect(second).toBeUndefined();
    await held.release();
    await held.release();
    await clock.advance(0);
    expect(second).toMatchObject({ held: true });
    await session.close();
  });

  it("takes a free lock, and leaves no key when it is not free", async () => {
    const { open, keys } = start();
    const [one, two] = [await open(), await open()];
    const held = await lock(one, "l").tryAcquire();
    expect(held).toMatchObject({ held: true, name: "l" });
    expect(await lock(two, "l").tryAcquire()).toBeUndefined();
    expect(await lock(two, "l2").tryAcquire()).toBeDefined();
    expect(await keys()).toBe(2);
    await held!.release();
    expect((await lock(two, "l").tryAcquire())!.token).toBeGreaterThan(held!.token);
  });

  it("is released later when nobody answers in time", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    let lost = false;
    const line = unreliable(member, (method) => (lost && method === "deleteRange" ? "requestLost" : undefined));
    const session = await openSession(line, { clock });
    const held = await lock(session, "l").acquire();
    lost = true;
    const late = expect(held.release({ timeoutMs: 500 })).rejects.toEqual(code("TIMED_OUT"));
    await clock.advance(500);
    await late;
    expect(line.mishaps.length).toBeGreaterThan(1);
    expect((await member.range({ key: held.key })).count).toBe(1);
    lost = false;
    await clock.advance(5_000);
    expect((await member.range({ key: held.key })).count).toBe(0);
    await session.close();
  });

  it("is left by those who give up, whoever stands behind them", async () => {
    const { clock, open, keys } = start();
    const session = await open();
    const held = await lock(session, "l").acquire();
    const controller = new AbortController();
    const outcomes: unknown[] = [];
    const wait = (options: object): void => {
      void lock(session, "l")
        .acquire(options)
        .then(
          (held) => outcomes.push(held.held),
          (error: unknown) => outcomes.push(error),
        );
    };
    wait({ signal: controller.signal });
    await clock.advance(0);
    wait({ timeoutMs: 2_000 });
    await clock.advance(0);
    wait({});
    await clock.advance(0);
    expect(await keys()).toBe(4);
    controller.abort(new Error("no longer wanted"));
    await clock.advance(0);
    expect(outcomes).toEqual([new Error("no longer wanted")]);
    expect(await keys()).toBe(3);
    await clock.advance(2_000);
    expect(outcomes[1]).toEqual(code("ACQUIRE_TIMED_OUT"));
    expect(await keys()).toBe(2);
    await held.release();
    await clock.advance(0);
    expect(outcomes[2]).toBe(true);
    await expect(lock(session, "l").acquire({ signal: controller.signal })).rejects.toThrow("no longer wanted");
    expect(await keys()).toBe(1);
    await session.close();
  });

  it("is entered once, and left for good, however the answers are lost", async () => {
    for (const lost of [["requestLost"], ["answerLost"], ["requestLost", "answerLost"]] as Mishap[][]) {
      for (const giveUp of [false, true]) {
        const { clock, member, keys } = start();
        const mishaps = [...lost];
        const line = unreliable(member, (method) => (method === "txn" ? mishaps.shift() : undefined));
        const session = await openSession(line, { clock });
        const controller = new AbortController();
        const acquiring = lock(session, "l").acquire({ signal: controller.signal });
        const outcome = acquiring.then(
          (held) => held.token,
          (error: Error) => error.message,
        );
        if (giveUp) {
          await clock.advance(1);
          controller.abort(new Error("enough"));
        }
        await clock.advance(20_000);
        expect(line.mishaps.length).toBe(giveUp ? 1 : lost.length);
        expect(await outcome).toEqual(giveUp ? "enough" : expect.any(Number));
        expect(await keys()).toBe(giveUp ? 0 : 1);
        await session.close();
        await member.close();
      }
    }
  });

  it("is taken back when the answer comes only after the caller has given up", async () => {
    const { clock, member, keys } = start();
    const { promise: delay, resolve: arrive } = Promise.withResolvers<void>();
    const line = unreliable(member, (method) => (method === "txn" ? { delay } : undefined));
    const session = await openSession(line, { clock });
    const controller = new AbortController();
    const acquiring = lock(session, "l").acquire({ signal: controller.signal });
    const refused = expect(acquiring).rejects.toThrow("enough");
    await clock.advance(0);
    controller.abort(new Error("enough"));
    await refused;
    expect(await keys()).toBe(1);
    arrive();
    await clock.advance(0);
    expect(await keys()).toBe(0);
    await session.close();
  });

  it("tells its holder to stop before anybody else gets it", async () => {
    const { clock, member, open } = start();
    let down = false;
    const line = unreliable(member, (method) => (down && method === "leaseKeepAlive" ? "requestLost" : undefined));
    const session = await openSession(line, { ttlSeconds: 3, clock });
    const held = await lock(session, "l").acquire();
    let nextAt: number | undefined;
    void lock(await open(), "l")
      .acquire()
      .then(() => (nextAt = clock.now()));
    let lostAt: number | undefined;
    held.signal.addEventListener("abort", () => (lostAt = clock.now()));
    down = true;
    await clock.advance(10_000);
    expect(line.mishaps.length).toBeGreaterThan(0);
    expect(held.held).toBe(false);
    expect(lostAt).toBeLessThan(nextAt!);
    await held.release();
    await expect(lock(session, "l").acquire({ timeoutMs: 1 })).rejects.toBeDefined();
  });

  it("is not given to one whose key was deleted meanwhile", async () => {
    const { clock, member, open } = start();
    const held = await lock(await open(), "l").acquire();
    const waiting = lock(await open(), "l").acquire();
    const refused = expect(waiting).rejects.toEqual(code("LOCK_LOST"));
    await clock.advance(0);
    const { pairs } = await member.range(all);
    const other = pairs.find(({ createRevision }) => createRevision !== held.token)!;
    await member.deleteRange({ key: other.key });
    await held.release();
    await refused;
  });

  it("does not outlive its session", async () => {
    const { open } = start();
    const session = await open();
    const held = await lock(session, "l").acquire();
    const waiting = lock(session, "l").acquire();
    const refused = expect(waiting).rejects.toEqual(code("SESSION_CLOSED"));
    await session.close();
    await refused;
    expect([held.held, held.signal.aborted]).toEqual([false, true]);
    await held.release();
    await expect(lock(session, "l").acquire()).rejects.toEqual(code("SESSION_CLOSED"));
    await expect(lock(session, "l").tryAcquire()).rejects.toEqual(code("SESSION_CLOSED"));
  });

  it("is released when the work fails", async () => {
    const { open, keys } = start();
    const session = await open();
    const failing = lock(session, "l").withLock(() => {
      throw new Error("broken");
    });
    await expect(failing).rejects.toThrow("broken");
    expect(await keys()).toBe(0);
    expect(await lock(session, "l").withLock(({ token }) => token)).toBeGreaterThan(1);
  });

  it("refuses what means nothing", async () => {
    const { open } = start();
    const session = await open();
    expect(() => lock(session, "")).toThrow("lock.name must not be empty");
    await expect(lock(session, "l").acquire({ timeoutMs: -1 })).rejects.toThrow("acquire.timeoutMs must be a number");
  });
});
