import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { createHealth, type Health } from "./health.ts";
import { healthAnswer } from "./health-answer.ts";
import type { HealthEvent, HealthOptions } from "./health-options.ts";

/** A component that is as the test says. */
function component(isWell = true) {
  const subject = { isWell, asked: 0, aborted: 0, hangs: false, answer: undefined as unknown };
  const check = async ({ signal }: { readonly signal: AbortSignal }): Promise<unknown> => {
    subject.asked++;
    signal.addEventListener("abort", () => subject.aborted++);
    if (subject.hangs) await new Promise(() => undefined);
    if (!subject.isWell) throw new Error("refused");
    return subject.answer;
  };
  return { subject, check };
}

function watched(options: HealthOptions = {}) {
  const clock = new VirtualClock();
  const events: HealthEvent[] = [];
  const health = createHealth({ clock, onEvent: (event) => events.push(event), ...options });
  return { clock, events, health };
}

const summary = ({ state, isLive, isReady, isStarted }: Health): readonly unknown[] => [
  state,
  isLive && "live",
  isReady && "ready",
  isStarted && "started",
];

describe("health", () => {
  it("is ready once everything critical has been well, and stays started", async () => {
    const database = component(false);
    const { clock, health, events } = watched({ components: { database: { check: database.check } } });
    expect(summary(health)).toEqual(["unhealthy", "live", false, false]);
    await clock.advance(1);
    expect(health.view().components).toMatchObject([{ name: "database", state: "unhealthy", details: "refused" }]);
    database.subject.isWell = true;
    await clock.advance(10_001);
    expect(summary(health)).toEqual(["unhealthy", "live", false, false]);
    await clock.advance(10_001);
    expect(summary(health)).toEqual(["healthy", "live", "ready", "started"]);
    database.subject.isWell = false;
    await clock.advance(40_000);
    expect(summary(health)).toEqual(["unhealthy", "live", false, "started"]);
    expect(events.map((event) => (event.type === "healthChanged" ? event.isReady : event.state))).toEqual([
      "unhealthy",
      "healthy",
      true,
      "unhealthy",
      false,
    ]);
    health.close();
    expect(clock.pending).toBe(0);
  });

  it("is degraded, and ready, without what is optional", async () => {
    const extra = component(false);
    const { clock, health } = watched({
      components: { database: { check: component().check }, extra: { check: extra.check, critical: false } },
    });
    await clock.advance(1);
    expect(summary(health)).toEqual(["degraded", "live", "ready", "started"]);
    health.close();
  });

  it("believes neither one failure nor one success", async () => {
    const { subject, check } = component();
    const { clock, health, events } = watched({ components: { a: { check, intervalMs: 100 } } });
    for (let round = 0; round < 50; round++) {
      subject.isWell = round % 3 === 0;
      await clock.advance(100);
    }
    expect(subject.asked).toBeGreaterThan(40);
    expect(events.filter(({ type }) => type === "componentHealthChanged")).toHaveLength(1);
    health.close();
  });

  it("gives up on a check that hangs, tells it so, and asks again", async () => {
    const { subject, check } = component();
    subject.hangs = true;
    const other = component();
    const { clock, health } = watched({
      components: { a: { check, timeoutMs: 500, intervalMs: 1_000 }, b: { check: other.check } },
    });
    await clock.advance(501);
    expect(subject.aborted).toBe(1);
    expect(health.view().components[0]).toMatchObject({ state: "unhealthy", details: "no answer within 500 ms" });
    // One that hangs holds up no other.
    expect(health.view().components[1]).toMatchObject({ state: "healthy" });
    subject.hangs = false;
    await clock.advance(3_000);
    expect(health.state).toBe("healthy");
    health.close();
  });

  it("knows nothing of what it has not heard of for long", async () => {
    const { subject, check } = component();
    const { clock, health } = watched({
      components: { a: { check, intervalMs: 100, staleMs: 5_000, timeoutMs: 80_000 } },
    });
    await clock.advance(150);
    expect(health.isReady).toBe(true);
    subject.hangs = true;
    await clock.advance(6_000);
    expect(summary(health)).toEqual(["unhealthy", "live", false, "started"]);
    expect(health.view().components[0]).toMatchObject({ state: "unknown", details: "nothing heard for 5000 ms" });
    health.close();
    await clock.advance(0);
    expect(clock.pending).toBe(0);
  });

  it("takes what check says, and what is told by hand", async () => {
    const { subject, check } = component();
    subject.answer = { state: "degraded", details: "x".repeat(600) };
    const { clock, health } = watched({ components: { a: { check }, b: {} } });
    await clock.advance(1);
    expect(health.state).toBe("unhealthy");
    health.set("b", "healthy");
    expect(summary(health)).toEqual(["degraded", "live", "ready", "started"]);
    expect(health.view().components[0]?.details).toHaveLength(500);
    health.remove("a");
    expect(health.state).toBe("healthy");
    expect(() => health.set("a", "healthy")).toThrow(`health component must be one that has no check of its own`);
    health.close();
  });

  it("waits for its start where it is told to", () => {
    const { health } = watched({ waitsForStart: true });
    expect(summary(health)).toEqual(["healthy", "live", false, false]);
    health.started();
    expect(summary(health)).toEqual(["healthy", "live", "ready", "started"]);
  });

  it("is alive no more after a failure that it cannot go on from", () => {
    const { health } = watched();
    health.failed("the disk is gone");
    health.failed("another");
    expect(summary(health)).toEqual(["unhealthy", false, false, "started"]);
    expect(health.view().components).toMatchObject([{ name: "process", details: "the disk is gone" }]);
  });

  it.each([
    [{ components: { "": {} } }, "health component must be a name of 1 to 128 characters"],
    [{ components: { a: { check: 1 } } }, "health.components.a.check must be a function"],
    [{ components: { a: { intervalMs: 0 } } }, "health.components.a.intervalMs must be a number >= 1"],
    [{ components: { a: { every: 1 } } }, "health.components.a.every is no option"],
    [{ waitsForStart: 1 }, "health.waitsForStart must be"],
  ])("refuses %j", (options, message) => {
    expect(() => createHealth(options as never)).toThrow(message);
  });
});

describe("drain", () => {
  it("is not ready from that moment, whatever components say, and cannot be undone", async () => {
    const { subject, check } = component();
    const { clock, health } = watched({ components: { a: { check, intervalMs: 1_000 } } });
    await clock.advance(1);
    expect(health.isReady).toBe(true);
    expect(await health.drain()).toEqual({ left: 0 });
    await clock.advance(30_000);
    expect(subject.asked).toBeGreaterThan(20);
    expect([health.state, health.isReady, health.isDraining, health.isLive]).toEqual(["healthy", false, true, true]);
    health.close();
  });

  it("waits for requests in flight, those of the grace too, and says how many it has left", async () => {
    const { clock, health } = watched();
    const slow = Promise.withResolvers<string>();
    const tracked = health.track(() => slow.promise);
    const drained = health.drain({ graceMs: 1_000, timeoutMs: 5_000 });
    expect(health.drain()).toBe(drained);
    const leave = health.enter();
    expect(health.inFlight).toBe(2);
    await clock.advance(1_500);
    slow.resolve("done");
    expect(await tracked).toBe("done");
    await clock.advance(1);
    expect(health.inFlight).toBe(1);
    leave();
    leave();
    expect(await drained).toEqual({ left: 0 });
    expect(clock.pending).toBe(0);

    const other = watched();
    other.health.enter();
    const late = other.health.drain({ timeoutMs: 100 });
    await other.clock.advance(100);
    expect(await late).toEqual({ left: 1 });
  });

  it("counts what throws and what is rejected as over", async () => {
    const { health } = watched();
    expect(() =>
      health.track(() => {
        throw new Error("at once");
      }),
    ).toThrow("at once");
    await expect(health.track(() => Promise.reject(new Error("later")))).rejects.toThrow("later");
    expect(health.inFlight).toBe(0);
  });
});

describe("what is answered over HTTP", () => {
  it.each([
    ["/livez", 200],
    ["/readyz", 503],
    ["/startupz", 200],
    ["/healthz", 200],
  ])("%s of a service that drains is %d", async (path, status) => {
    const { health } = watched({ components: { a: {} } });
    health.set("a", "healthy");
    await health.drain();
    const answer = healthAnswer(health, path)!;
    expect([answer.status, answer.headers["cache-control"]]).toEqual([status, "no-store"]);
    expect(JSON.parse(answer.body)).toEqual({ state: "healthy", live: true, ready: false, draining: true });
    expect(JSON.parse(healthAnswer(health, path, { details: true })!.body)).toHaveProperty("components.0.name", "a");
  });

  it("leaves other paths alone", () => {
    expect(healthAnswer(watched().health, "/")).toBeUndefined();
  });
});

it("whatever happens, drain is final, and readiness follows from what is critical", async () => {
  const happening = fc.oneof(
    fc.record({ what: fc.constant("a" as const), isWell: fc.boolean() }),
    fc.record({ what: fc.constant("b" as const), isWell: fc.boolean() }),
    fc.record({ what: fc.constant("drain" as const) }),
    fc.record({ what: fc.constant("time" as const), ms: fc.nat(30_000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 30 }), async (happenings) => {
      const { clock, health } = watched({ components: { a: {}, b: { critical: false } } });
      let isDrained = false;
      let isWell = false;
      let wasWell = false;
      for (const each of happenings) {
        if (each.what === "drain") isDrained = (await health.drain()).left === 0;
        else if (each.what === "time") await clock.advance(each.ms);
        else {
          health.set(each.what, each.isWell ? "healthy" : "unhealthy");
          if (each.what === "a") isWell = each.isWell;
          wasWell ||= isWell;
        }
        expect(health.isReady).toBe(isWell && !isDrained);
        expect(health.isStarted).toBe(wasWell);
        expect(health.isLive).toBe(true);
      }
    }),
    { numRuns: 100 },
  );
});
