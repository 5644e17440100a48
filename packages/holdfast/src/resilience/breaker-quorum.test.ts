import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Random } from "../runtime/index.ts";
import { seededRandom } from "../runtime/index.ts";
import { VirtualClock } from "../testing/index.ts";
import type { BreakerEvent } from "./breaker-event.ts";
import type { Opinion } from "./breaker-opinion.ts";
import type { CircuitBreakerOptions } from "./breaker-options.ts";
import { breakerQuorum, type BreakerQuorum, type BreakerQuorumOptions, type OpinionChannel } from "./breaker-quorum.ts";
import { circuitBreaker, type CircuitBreaker } from "./circuit-breaker.ts";
import { CircuitOpenError } from "./circuit-open-error.ts";

interface Faults {
  readonly loss: number;
  readonly duplication: number;
  readonly maxDelayMs: number;
}

/** What a property draws. */
interface Drawn {
  readonly seed: number;
  readonly count: number;
  readonly faults: Faults;
}

const none: Faults = { loss: 0, duplication: 0, maxDelayMs: 0 };

/** A channel that does to messages what networks do, and counts it. */
class Bus {
  faults: Faults = none;
  readonly done = { delivered: 0, lost: 0, duplicated: 0, reordered: 0 };
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #listeners: Set<(message: unknown) => void> = new Set();
  #under: { readonly due: number; readonly number: number; deliver(): void }[] = [];
  #sent = 0;

  constructor(clock: VirtualClock, random: Random = seededRandom(1)) {
    this.#clock = clock;
    this.#random = random;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  readonly channel: OpinionChannel = {
    publish: (opinion) => this.send(JSON.parse(JSON.stringify(opinion))),
    subscribe: (listener) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  send(message: unknown): void {
    const { loss, duplication, maxDelayMs } = this.faults;
    for (const listener of this.#listeners) {
      if (this.#random.next() < loss) {
        this.done.lost++;
        continue;
      }
      const copies = this.#random.next() < duplication ? 2 : 1;
      if (copies === 2) this.done.duplicated++;
      for (let copy = 0; copy < copies; copy++) {
        const due = this.#clock.now() + maxDelayMs * this.#random.next();
        this.#under.push({ due, number: this.#sent++, deliver: () => listener(message) });
      }
    }
    if (maxDelayMs === 0) this.deliver();
  }

  /** Hands over what is due, in the order of that. */
  deliver(): void {
    const due = this.#under.filter((message) => message.due <= this.#clock.now()).toSorted((a, b) => a.due - b.due);
    this.#under = this.#under.filter((message) => message.due > this.#clock.now());
    for (const [at, message] of due.entries()) {
      if (due.slice(0, at).some(({ number }) => number > message.number)) this.done.reordered++;
      this.done.delivered++;
      message.deliver();
    }
  }
}

interface Node {
  readonly breaker: CircuitBreaker;
  readonly quorum: BreakerQuorum;
  readonly events: BreakerEvent[];
}

type Settings = Partial<Omit<BreakerQuorumOptions, "breaker" | "nodeId" | "channel" | "clock">>;

function join(bus: Bus, clock: VirtualClock, at: number, settings: Settings, given: CircuitBreakerOptions = {}): Node {
  const events: BreakerEvent[] = [];
  const breaker = circuitBreaker({
    name: "orders",
    window: { kind: "consecutive", failures: 3 },
    openMs: 10_000,
    halfOpen: { probes: 1 },
    clock,
    onEvent: (event) => events.push(event),
    ...given,
  });
  const options = { breaker, nodeId: `node-${at}`, channel: bus.channel, clock, opinionTtlMs: 6_000, ...settings };
  return { breaker, quorum: breakerQuorum(options), events };
}

/** Processes that have got to know each other. */
async function setup(count: number, settings: Settings = {}, given: CircuitBreakerOptions = {}) {
  const clock = new VirtualClock();
  const bus = new Bus(clock);
  const nodes = Array.from({ length: count }, (_, at) => join(bus, clock, at, settings, given));
  await clock.advance(6_000);
  return { clock, bus, nodes, at: (place: number): Node => nodes[place] as Node };
}

/** As many calls as it lets through. */
function call({ breaker }: Node, works: boolean, times = 3): void {
  for (let done = 0; done < times; done++) {
    const permit = breaker.tryAcquire();
    if (works) permit?.success();
    else permit?.failure(new Error("broken"));
  }
}

function opinion(clock: VirtualClock, over: Partial<Opinion>): Opinion {
  const at = clock.wallTime();
  return {
    version: 1,
    breaker: "orders",
    nodeId: "liar",
    state: "open",
    sequence: at + 1e6,
    at,
    ttlMs: 6_000,
    ...over,
  };
}

describe("breakerQuorum", () => {
  it("opens a breaker when most say open, tells it, and closes it when they no longer do", async () => {
    const { at, clock } = await setup(3);
    const healthy = at(2);
    call(at(0), false);
    expect([at(0).breaker.state, healthy.breaker.state]).toEqual(["open", "closed"]);
    call(at(1), false);
    expect(healthy.breaker.state).toBe("open");
    expect(healthy.quorum.metrics).toMatchObject({ reached: true, holding: true, live: 3, open: 2, needed: 2 });
    expect(healthy.events).toMatchObject([{ type: "breakerOpened", from: "closed", reason: "quorum", openMs: 6_000 }]);
    await expect(healthy.breaker.execute(() => "not called")).rejects.toBeInstanceOf(CircuitOpenError);
    expect(healthy.breaker.metrics).toMatchObject({
      timesOpened: 0,
      totals: { successes: 0, failures: 0, rejected: 1 },
    });
    await clock.advance(9_999);
    expect(healthy.breaker.state).toBe("open");
    await clock.advance(1);
    call(at(0), true);
    expect(at(0).breaker.state).toBe("closed");
    expect(healthy.breaker.state).toBe("closed");
    expect(healthy.events.at(-1)).toMatchObject({ type: "breakerClosed", from: "open", reason: "quorum" });
    expect(await healthy.breaker.execute(() => "called")).toBe("called");
  });

  it("holds no longer than opinions count that nobody renews, without a timer for it", async () => {
    const { at, clock, bus } = await setup(3);
    call(at(0), false);
    call(at(1), false);
    bus.faults = { ...none, loss: 1 };
    expect(at(2).breaker.metrics.remainingOpenMs).toBe(6_000);
    await clock.advance(5_999);
    expect(at(2).breaker.state).toBe("open");
    await clock.advance(1);
    expect(at(2).breaker.state).toBe("closed");
    expect(at(2).quorum.metrics).toMatchObject({ reached: false, live: 1, open: 0 });
    expect(bus.done.lost).toBeGreaterThan(0);
  });

  it.each([
    { count: 2, broken: 1, settings: { quorum: 2 }, opens: false },
    { count: 3, broken: 1, settings: {}, opens: false },
    { count: 3, broken: 2, settings: { quorum: 3 }, opens: false },
    { count: 4, broken: 2, settings: {}, opens: false },
    { count: 4, broken: 3, settings: {}, opens: true },
    { count: 5, broken: 2, settings: { quorum: 2 }, opens: true },
    { count: 3, broken: 2, settings: { expectedNodes: 4 }, opens: false },
    { count: 3, broken: 2, settings: { expectedNodes: () => 3 }, opens: true },
    { count: 3, broken: 2, settings: { expectedNodes: () => Number.NaN }, opens: false },
    { count: 3, broken: 2, settings: { isMember: (nodeId: string) => nodeId !== "node-0" }, opens: false },
  ])("$broken of $count with $settings open the others: $opens", async ({ count, broken, settings, opens }) => {
    const { at } = await setup(count, settings);
    for (let place = 0; place < broken; place++) call(at(place), false);
    expect(at(count - 1).breaker.state).toBe(opens ? "open" : "closed");
    expect(at(0).breaker.state).toBe("open");
  });

  it("stays open while those that opened it try whether it is over, unless they never come to an end", async () => {
    const { at, clock } = await setup(3, { opinionTtlMs: 3_000 });
    call(at(0), false);
    call(at(1), false);
    await clock.advance(10_000);
    const probes = [at(0), at(1)].map(({ breaker }) => breaker.tryAcquire());
    // The last renewal told that they are half-open, the one before, a second earlier, that they are open.
    await clock.advance(1_900);
    expect(at(2).quorum.metrics).toMatchObject({ open: 0, needed: 2, reached: true, holding: true });
    probes[0]?.success();
    expect(at(2).breaker.state).toBe("closed");
    probes[1]?.failure();
    call(at(0), false);
    expect(at(2).breaker.state).toBe("open");
    await clock.advance(10_000);
    expect([0, 1].map((place) => at(place).breaker.state)).toEqual(["halfOpen", "halfOpen"]);
    await clock.advance(3_000);
    expect(at(2).breaker.state).toBe("closed");
    // And half-open alone opens nothing.
    await clock.advance(60_000);
    expect(at(2).quorum.metrics).toMatchObject({ live: 3, reached: false, holding: false });
  });

  it("does not take the first that it hears for all", async () => {
    const { at, bus, clock } = await setup(4);
    const late = join(bus, clock, 9, {});
    for (const place of [0, 1]) call(at(place), false);
    expect(late.quorum.metrics).toMatchObject({ reached: false, live: 3, open: 2, needed: Number.POSITIVE_INFINITY });
    await clock.advance(6_000);
    expect(late.quorum.metrics).toMatchObject({ reached: false, live: 5, open: 2, needed: 3 });
    call(at(2), false);
    expect(late.breaker.state).toBe("open");
  });

  it("is no echo: who is open by the word of others says closed, also to another process by its export", async () => {
    const { at, bus } = await setup(5);
    const said: Opinion[] = [];
    bus.channel.subscribe((message) => said.push(message as Opinion));
    for (const place of [0, 1, 2]) call(at(place), false);
    expect([3, 4].map((place) => at(place).breaker.state)).toEqual(["open", "open"]);
    expect(said.map(({ nodeId, state }) => `${nodeId} ${state}`)).toEqual([
      "node-0 open",
      "node-1 open",
      "node-2 open",
    ]);
    expect(at(4).breaker.export()).toMatchObject({ state: "closed", remainingOpenMs: 0 });
  });

  it("leaves what a person set, and a breaker that opened by itself", async () => {
    const { at, clock } = await setup(6, { quorum: 2 });
    const set = [at(2), at(3), at(4)] as const;
    set[0].breaker.forceOpen();
    set[1].breaker.disable();
    set[2].breaker.metricsOnly();
    call(at(5), false);
    const own = at(5).breaker.metrics.remainingOpenMs;
    call(at(0), false);
    call(at(1), false);
    await clock.advance(100);
    expect(set.map(({ breaker }) => breaker.state)).toEqual(["forcedOpen", "disabled", "metricsOnly"]);
    expect(at(5).breaker.metrics).toMatchObject({ remainingOpenMs: own - 100, timesOpened: 1 });
    expect(at(5).quorum.metrics.holding).toBe(false);
    // Set by hand, they have nothing to say: three of six have, one of which was held before it found anything.
    expect(at(5).quorum.metrics).toMatchObject({ live: 3, open: 2 });
  });

  it("does not open again what a person has closed, until the quorum was lost once", async () => {
    const { at, clock } = await setup(3);
    call(at(0), false);
    call(at(1), false);
    at(2).breaker.close();
    await clock.advance(5_000);
    expect(at(2).quorum.metrics).toMatchObject({ reached: true, holding: false });
    expect(at(2).breaker.state).toBe("closed");
    at(0).breaker.close();
    call(at(0), false);
    expect(at(2).breaker.state).toBe("open");
  });

  it("ramps up after it was held, as after any opening", async () => {
    const { at } = await setup(3, {}, { rampUp: { ms: 1_000 } });
    call(at(0), false);
    call(at(1), false);
    at(0).breaker.close();
    expect(at(2).breaker.state).toBe("rampUp");
    expect(at(2).events.map(({ type }) => type)).toEqual(["breakerOpened", "breakerRampUpStarted"]);
  });

  it("takes only what is new, in time, and an opinion", async () => {
    const { at, bus, clock } = await setup(3, { maxNodes: 3 });
    const { quorum } = at(0);
    const before = quorum.metrics.received.taken;
    const first = opinion(clock, { sequence: 5 });
    bus.send(first);
    for (const late of [first, { ...first, sequence: 4, state: "closed" }]) bus.send(late);
    bus.send({ ...first, breaker: "other", sequence: 6 });
    bus.send({ ...first, nodeId: "one too many" });
    await clock.advance(6_000);
    bus.send({ ...first, sequence: 6 });
    bus.send({ ...first, nodeId: "node-0", sequence: Number.MAX_SAFE_INTEGER });
    const malformed = [
      undefined,
      "open",
      { ...first, version: 2 },
      { ...first, state: "forcedOpen" },
      { ...first, nodeId: "" },
      { ...first, nodeId: "x".repeat(300) },
      { ...first, sequence: 1.5 },
      { ...first, sequence: -1 },
      { ...first, at: Number.NaN },
      { ...first, ttlMs: 0 },
      { ...first, breaker: 7 },
    ];
    for (const message of malformed) bus.send(message);
    const { received } = quorum.metrics;
    // The three others' opinions were renewed three times meanwhile.
    expect(received).toEqual({ taken: before + 1 + 6, late: 2, stale: 1, refused: 1, malformed: 11, impostor: 1 });
  });

  it("believes nobody for longer than it wants itself, whatever they promise", async () => {
    const { at, bus, clock } = await setup(2, { quorum: 2 });
    bus.send(opinion(clock, { ttlMs: 1e12 }));
    expect(at(0).quorum.metrics).toMatchObject({ live: 3, open: 1 });
    await clock.advance(6_000);
    expect(at(0).quorum.metrics).toMatchObject({ live: 2, open: 0 });
  });

  it("goes on over a restart of a process, and over a channel that fails", async () => {
    const { at, bus, clock } = await setup(3);
    await clock.advance(10);
    await at(1).quorum.close();
    expect(at(0).quorum.metrics.live).toBe(2);
    const again = join(bus, clock, 1, {});
    expect(at(0).quorum.metrics.live).toBe(3);
    call(again, false);
    expect(at(0).quorum.metrics.open).toBe(1);
    const publish = (): Promise<never> => Promise.reject(new Error("no connection"));
    const angry = (): never => {
      throw new Error("closed");
    };
    for (const [place, channel] of [{ publish }, { publish: angry }].entries()) {
      const breaker = circuitBreaker({ clock, window: { kind: "consecutive", failures: 1 } });
      const subscribe = (): (() => void) => () => undefined;
      const quorum = breakerQuorum({ breaker, nodeId: `deaf-${place}`, channel: { ...channel, subscribe }, clock });
      breaker.tryAcquire()?.failure();
      await clock.advance(0);
      expect(breaker.state).toBe("open");
      expect(quorum.metrics).toMatchObject({ published: 2, publishFailed: 2 });
      await quorum.close();
    }
  });

  it("stays closed when its channel closes it while it is told", async () => {
    const { at, bus, clock } = await setup(2);
    const breaker = circuitBreaker({ name: "orders", clock });
    let told = 0;
    const publish = (): void => void (++told > 1 && quorum.close());
    const channel = { ...bus.channel, publish };
    const options = { breaker, nodeId: "leaving", expectedNodes: 3, opinionTtlMs: 6_000, clock, channel };
    const quorum: BreakerQuorum = breakerQuorum(options);
    call(at(0), false);
    call(at(1), false);
    expect(breaker.state).toBe("open");
    await clock.advance(2_000);
    expect(told).toBe(3);
    expect(breaker.state).toBe("closed");
    expect(quorum.metrics.holding).toBe(false);
  });

  it("lets go of everything when it is closed", async () => {
    const { at, nodes, bus, clock } = await setup(3);
    call(at(0), false);
    call(at(1), false);
    expect(at(2).breaker.state).toBe("open");
    for (const { quorum } of nodes) {
      await quorum.close();
      await quorum[Symbol.asyncDispose]();
    }
    expect(at(2).breaker.state).toBe("closed");
    expect([bus.listeners, clock.pending]).toEqual([0, 0]);
    const next = breakerQuorum({ breaker: at(2).breaker, nodeId: "again", channel: bus.channel, clock });
    await next.close();
  });

  it.each<readonly [Record<string, unknown>, string]>([
    [{ breaker: {} }, "breakerQuorum.breaker must be a circuitBreaker() (got an object)"],
    [{ nodeId: "" }, 'breakerQuorum.nodeId must be a string of 1 to 256 characters (got "")'],
    [{ key: 5 }, "breakerQuorum.key must be a string of 0 to 256 characters (got 5)"],
    [{ channel: {} }, "breakerQuorum.channel must have publish and subscribe (got an object)"],
    [{ quorum: 1 }, "breakerQuorum.quorum must be an integer >= 2 (got 1)"],
    [{ expectedNodes: 0 }, "breakerQuorum.expectedNodes must be an integer >= 1 (got 0)"],
    [{ isMember: 1 }, "breakerQuorum.isMember must be a function (got 1)"],
    [{ opinionTtlMs: 0 }, "breakerQuorum.opinionTtlMs must be a number >= 1 (got 0)"],
    [{ renewEveryMs: 30_000 }, "breakerQuorum.renewEveryMs must be above 0, and below opinionTtlMs, 30000 (got 30000)"],
    [{ maxNodes: 0 }, "breakerQuorum.maxNodes must be an integer >= 1 (got 0)"],
    [{ ttl: 1 }, "breakerQuorum.ttl is no option"],
  ])("refuses %j", (options, message) => {
    const clock = new VirtualClock();
    const bus = new Bus(clock);
    const good = { breaker: circuitBreaker({ clock }), nodeId: "a", channel: bus.channel, clock };
    expect(() => breakerQuorum({ ...good, ...options })).toThrow(message);
    const quorum = breakerQuorum(good);
    expect(() => breakerQuorum(good)).toThrow("breakerQuorum.breaker must have no quorum yet");
    return quorum.close();
  });
});

describe("breakerQuorum over a bad network", () => {
  const faults = fc.record({
    loss: fc.double({ min: 0, max: 0.9, noNaN: true }),
    duplication: fc.double({ min: 0, max: 0.5, noNaN: true }),
    maxDelayMs: fc.integer({ min: 0, max: 9_000 }),
  });
  const drawn = { seed: fc.nat(), count: fc.integer({ min: 3, max: 7 }), faults };
  /** Runs that come first, so that every fault happens whatever is drawn after them. */
  const bad: Faults = { loss: 0.3, duplication: 0.4, maxDelayMs: 9_000 };
  const examples = [1, 2, 3, 4, 5].map((seed) => [{ seed, count: 7, faults: bad }] as [Drawn]);

  it("no minority, however broken, flapping or lying, opens a healthy majority", async () => {
    const seen = { lost: 0, duplicated: 0, reordered: 0, stale: 0, late: 0, tripped: 0, lies: 0 };
    await fc.assert(
      fc.asyncProperty(fc.record(drawn), async ({ seed, count, faults }) => {
        const clock = new VirtualClock();
        const random = seededRandom(seed);
        const bus = new Bus(clock, random.fork("network"));
        bus.faults = faults;
        const minority = Math.floor((count - 1) / 2);
        const settings = { expectedNodes: count };
        const openMs = 1_000 * random.integer(1, 8);
        const liars = random.integer(0, minority);
        const nodes = Array.from({ length: count - liars }, (_, at) => join(bus, clock, at, settings, { openMs }));
        const broken = nodes.slice(0, minority - liars);
        const healthy = nodes.slice(minority - liars);
        for (let step = 0; step < 30; step++) {
          for (const node of broken) call(node, random.next() < 0.2);
          for (const node of healthy) call(node, true);
          for (let liar = 0; liar < liars; liar++) {
            seen.lies++;
            const state = random.next() < 0.8 ? "open" : "closed";
            bus.send(opinion(clock, { nodeId: `liar-${liar}`, state, sequence: random.integer(0, 1e9), ttlMs: 1e9 }));
          }
          await clock.advance(500);
          bus.deliver();
          seen.tripped += broken.filter(({ breaker }) => breaker.state === "open").length;
          expect(healthy.map(({ breaker }) => breaker.state)).toEqual(healthy.map(() => "closed"));
        }
        for (const { quorum } of nodes) {
          seen.stale += quorum.metrics.received.stale;
          seen.late += quorum.metrics.received.late;
          await quorum.close();
        }
        for (const fault of ["lost", "duplicated", "reordered"] as const) seen[fault] += bus.done[fault];
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 60, examples },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  });

  it("a broken majority is heard when messages get through, and after the healing all breakers close", async () => {
    let lost = 0;
    let held = 0;
    await fc.assert(
      fc.asyncProperty(fc.record(drawn), async ({ seed, count, faults }) => {
        const clock = new VirtualClock();
        const random = seededRandom(seed);
        const bus = new Bus(clock, random.fork("network"));
        bus.faults = faults;
        const nodes = Array.from({ length: count }, (_, at) => join(bus, clock, at, { expectedNodes: count }));
        const broken = nodes.slice(0, Math.floor(count / 2) + 1);
        const healthy = nodes.slice(broken.length);
        const pass = async (works: boolean): Promise<void> => {
          for (const node of nodes) call(node, works || healthy.includes(node));
          await clock.advance(500);
          bus.deliver();
        };
        for (let step = 0; step < 20; step++) await pass(false);
        lost += bus.done.lost;
        bus.faults = none;
        // At most the rest of one opening, then one that all hear of.
        const open = new Set<Node>();
        for (let step = 0; step < 60; step++) {
          await pass(false);
          for (const node of healthy) if (node.quorum.metrics.holding) open.add(node);
        }
        expect(open.size).toBe(healthy.length);
        held += open.size;
        for (const node of healthy) expect(node.breaker.metrics.totals.failures).toBe(0);
        // An opening, a probe, and the time of an opinion.
        for (let step = 0; step < 40; step++) await pass(true);
        expect(nodes.map(({ breaker }) => breaker.state)).toEqual(nodes.map(() => "closed"));
        for (const { quorum } of nodes) await quorum.close();
      }),
      { numRuns: 30, examples },
    );
    expect(Math.min(lost, held)).toBeGreaterThan(0);
  });
});
