import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import type { Opinion } from "./breaker-opinion.ts";
import type { CircuitBreakerOptions } from "./breaker-options.ts";
import { breakerQuorum, type BreakerQuorumOptions } from "./breaker-quorum.ts";
import { circuitBreaker } from "./circuit-breaker.ts";

/** One process with a quorum, and everything that it hears and says by hand. */
function setup(settings: Partial<BreakerQuorumOptions> = {}, given: CircuitBreakerOptions = {}) {
  const clock = new VirtualClock();
  const said: Opinion[] = [];
  let hear: (message: unknown) => void = () => undefined;
  const window = { kind: "consecutive", failures: 1 } as const;
  const breaker = circuitBreaker({ name: "orders", window, openMs: 500, halfOpen: { probes: 1 }, clock, ...given });
  const channel = {
    publish: (opinion: Opinion) => void said.push(opinion),
    subscribe: (listener: (message: unknown) => void) => {
      hear = listener;
      // A channel that goes on delivering what is under way.
      return () => undefined;
    },
  };
  const quorum = breakerQuorum({ breaker, nodeId: "me", channel, clock, opinionTtlMs: 6_000, ...settings });
  const tell = (nodeId: string, state: Opinion["state"] = "open", over: Partial<Opinion> = {}): void => {
    const at = clock.wallTime();
    hear({ version: 1, breaker: "orders", nodeId, state, sequence: at, at, ttlMs: 6_000, ...over });
  };
  return { clock, breaker, quorum, said, tell };
}

describe("breakerQuorum, voice by voice", () => {
  it("says what its breaker found out, and nothing when a person set it", async () => {
    const { breaker, clock, said, quorum, tell } = setup({ expectedNodes: 3 });
    const startedAt = clock.wallTime();
    breaker.tryAcquire()?.failure();
    await clock.advance(500);
    breaker.tryAcquire()?.success();
    breaker.forceOpen();
    expect(said.map(({ state }) => state)).toEqual(["closed", "open", "halfOpen", "closed", "none"]);
    expect(said[0]).toEqual({
      version: 1,
      breaker: "orders",
      nodeId: "me",
      state: "closed",
      sequence: startedAt + 1,
      at: startedAt,
      ttlMs: 6_000,
    });
    tell("a", "closed");
    // It does not count itself while it has nothing to say.
    expect(quorum.metrics).toMatchObject({ live: 1, open: 0 });
    await quorum.close();
  });

  it("says closed from the first call of a ramp-up on", async () => {
    const { breaker, clock, said } = setup({ expectedNodes: 3 }, { rampUp: { ms: 1_000 } });
    breaker.tryAcquire()?.failure();
    await clock.advance(500);
    breaker.tryAcquire()?.success();
    expect(breaker.state).toBe("rampUp");
    await clock.advance(1_500);
    expect(said.map(({ state }) => state)).toEqual(["closed", "open", "halfOpen", "closed", "closed"]);
  });

  it("believes at once when it knows how many there are, and else when it has listened for long enough", async () => {
    const knows = setup({ expectedNodes: 3 });
    for (const nodeId of ["a", "b"]) knows.tell(nodeId);
    expect(knows.breaker.state).toBe("open");
    const listens = setup();
    await listens.clock.advance(5_900);
    for (const nodeId of ["a", "b"]) listens.tell(nodeId);
    expect(listens.quorum.metrics).toMatchObject({ reached: false, open: 2, needed: Number.POSITIVE_INFINITY });
    // Nobody says anything more: the next renewal finds out.
    await listens.clock.advance(100);
    expect(listens.breaker.state).toBe("open");
  });

  it("is held at once when its own breaker closes while most say open", async () => {
    const { breaker, clock, quorum, tell } = setup({ expectedNodes: 3 });
    breaker.tryAcquire()?.failure();
    for (const nodeId of ["a", "b"]) tell(nodeId);
    expect(quorum.metrics).toMatchObject({ reached: true, holding: false });
    await clock.advance(500);
    breaker.tryAcquire()?.success();
    expect(quorum.metrics).toMatchObject({ reached: true, holding: true });
    expect(breaker.state).toBe("open");
  });

  it("lets go of the breaker when it is closed, says so once, and hears nothing more", async () => {
    const { breaker, quorum, said, tell, clock } = setup({ expectedNodes: 3 });
    for (const nodeId of ["a", "b"]) tell(nodeId);
    expect(breaker.state).toBe("open");
    await quorum.close();
    await quorum.close();
    expect(breaker.state).toBe("closed");
    expect(said.map(({ state }) => state)).toEqual(["closed", "none"]);
    const { received } = quorum.metrics;
    for (const nodeId of ["a", "b", "c"]) tell(nodeId, "open", { sequence: 1e15 });
    tell("d", "open", { ttlMs: 0 });
    expect(quorum.metrics.received).toEqual(received);
    expect([breaker.state, clock.pending]).toEqual(["closed", 0]);
  });

  it.each<readonly [string, Partial<BreakerQuorumOptions>]>([
    ["is not a member", { isMember: (nodeId) => nodeId !== "b" }],
    [
      "cannot be told from one who is not",
      {
        isMember: (nodeId) => {
          if (nodeId === "b") throw new Error("no list of members");
          return true;
        },
      },
    ],
  ])("refuses who %s", (_who, settings) => {
    const { breaker, quorum, tell } = setup({ expectedNodes: 3, ...settings });
    for (const nodeId of ["a", "b"]) tell(nodeId);
    expect(quorum.metrics).toMatchObject({ live: 2, open: 1, received: { taken: 1, refused: 1 } });
    expect(breaker.state).toBe("closed");
  });

  it.each<readonly [string, () => number]>([
    ["gives no number", () => Number.NaN],
    ["gives a negative one", () => -1],
    [
      "throws",
      () => {
        throw new Error("no list of members");
      },
    ],
  ])("takes no number for enough while the count of processes %s", (_what, expectedNodes) => {
    const { breaker, quorum, tell } = setup({ expectedNodes });
    for (const nodeId of ["a", "b", "c"]) tell(nodeId);
    expect(quorum.metrics).toMatchObject({ reached: false, open: 3, needed: Number.POSITIVE_INFINITY });
    expect(breaker.state).toBe("closed");
  });

  it("takes names of up to 256 characters", async () => {
    const longest = "x".repeat(256);
    await setup({ nodeId: longest, key: longest }).quorum.close();
  });

  it.each<readonly [Record<string, unknown>, string]>([
    [{ breaker: undefined }, "breakerQuorum.breaker must be a circuitBreaker() (got undefined)"],
    [{ channel: undefined }, "breakerQuorum.channel must have publish and subscribe (got undefined)"],
    [{ channel: { publish: () => undefined } }, "breakerQuorum.channel must have publish and subscribe"],
    [{ channel: { subscribe: () => () => undefined } }, "breakerQuorum.channel must have publish and subscribe"],
    [{ nodeId: ["a"] }, "breakerQuorum.nodeId must be a string of 1 to 256 characters"],
    [{ nodeId: "x".repeat(257) }, "breakerQuorum.nodeId must be a string of 1 to 256 characters"],
    [{ renewEveryMs: 0 }, "breakerQuorum.renewEveryMs must be above 0, and below opinionTtlMs, 6000 (got 0)"],
    [{ renewEveryMs: "1" }, 'breakerQuorum.renewEveryMs must be a number >= 0 (got "1")'],
  ])("refuses %j", (options, message) => {
    expect(() => setup(options)).toThrow(message);
  });
});
