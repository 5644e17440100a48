import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { VirtualClock } from "../testing/index.ts";
import { createHealth } from "./health/health.ts";
import { batchSink } from "./logs/batch-sink.ts";
import { logLine, type LogEntry } from "./logs/log-entry.ts";
import type { LogSink } from "./logs/log-sink.ts";
import { createLogger } from "./logs/logger.ts";

/** What the defects of logging and health in the specification would do wrong; those of metrics and traces are by them. */

class Kept implements LogSink {
  readonly entries: LogEntry[] = [];
  flushed = 0;
  readonly level?: NonNullable<LogSink["level"]>;
  constructor(level?: NonNullable<LogSink["level"]>) {
    if (level !== undefined) this.level = level;
  }
  write(entry: LogEntry): void {
    this.entries.push(entry);
  }
  async flush(): Promise<void> {
    this.flushed++;
  }
}

const hanging = (): Promise<never> => new Promise(() => undefined);

describe("logging", () => {
  it("D55: a line waits for no network, and is sent from wherever it is written", async () => {
    const clock = new VirtualClock();
    let sent = 0;
    const sink = batchSink({ clock, random: seededRandom(1), send: () => (sent++, hanging()), maxBatch: 1 });
    const logger = createLogger({ service: "s", sinks: [sink], clock });
    await (async () => logger.info("within"))();
    logger.info("outside");
    expect(sent).toBe(1);
    expect(sink.metrics.buffered).toBe(2);
    const closed = sink.close();
    await clock.advance(60_000);
    await closed;
  });

  it("D56: a batch that fails is sent again, later and later, and goes out by time and at the end", async () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    let isDown = true;
    const got: string[] = [];
    const sink = batchSink({
      clock,
      random: { ...seededRandom(1), next: () => 1 },
      send: async (batch) => {
        at.push(clock.now());
        if (isDown) throw new Error("down");
        got.push(...batch.map(({ message }) => message));
        return "sent";
      },
    });
    const logger = createLogger({ service: "s", sinks: [sink], clock });
    logger.info("first");
    await clock.advance(20_000);
    const [start = 0] = at;
    expect(at.map((each) => each - start)).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500]);
    isDown = false;
    await clock.advance(20_000);
    expect(got).toEqual(["first"]);
    logger.info("last");
    await logger.close();
    expect(got).toEqual(["first", "last"]);
  });

  it("D57: no name is in a line twice, whatever the fields are called", () => {
    const sink = new Kept();
    const span = { traceId: "a".repeat(32), spanId: "b".repeat(16) };
    const logger = createLogger({ service: "s", sinks: [sink], span: () => span });
    const fields = { trace_id: "x", span_id: "x", level: "x", message: "x", time: "x", service: "x", fields: "x" };
    logger.info("m", fields);
    const text = logLine(sink.entries[0]!);
    const line = JSON.parse(text) as Record<string, unknown>;
    expect(line).toMatchObject({ level: "info", message: "m", service: "s", trace_id: span.traceId, fields });
    const names = [...text.replace(/"fields":\{.*?\}/, '"fields":0').matchAll(/"(\w+)":/g)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("D58: what a request adds is in its lines, and in no others of the same time", async () => {
    const clock = new VirtualClock();
    const sink = new Kept();
    const logger = createLogger({ service: "s", sinks: [sink], clock });
    const request = async (id: number): Promise<void> => {
      const own = logger.child({ id });
      for (let step = 0; step < 3; step++) {
        own.info(String(id));
        await clock.sleep(id);
      }
    };
    const all = Promise.all([1, 2, 3].map(request));
    await clock.advance(20);
    logger.info("none");
    await all;
    expect(sink.entries).toHaveLength(10);
    for (const { message, fields } of sink.entries) {
      expect(fields).toEqual(message === "none" ? {} : { id: Number(message) });
    }
  });

  it("D59: levels have an order, for the logger and each sink; lines alike are held back; fatal flushes", () => {
    const [all, grave] = [new Kept(), new Kept("error")];
    const repeats = { most: 1, windowMs: 1_000 };
    const logger = createLogger({ service: "s", sinks: [all, grave], level: "debug", repeats });
    for (const level of ["trace", "debug", "error", "error"] as const) logger.log(level, "m", { password: "hunter2" });
    expect([all, grave].map(({ entries }) => entries.map(({ level }) => level))).toEqual([
      ["debug", "error"],
      ["error"],
    ]);
    expect(JSON.stringify(all.entries)).not.toContain("hunter2");
    expect(logLine(all.entries[0]!)).toContain('"level":"debug"');
    expect(all.flushed).toBe(0);
    logger.fatal("over");
    expect([all.flushed, grave.flushed]).toEqual([1, 1]);
  });

  // D60 is in adapters/node-logs: directories, rotation, retention, syncs, and one line for each entry.
});

describe("health", () => {
  it("D65: no check makes a service ready again that has begun to drain", async () => {
    const clock = new VirtualClock();
    let asked = 0;
    const health = createHealth({ clock, components: { database: { check: () => asked++, intervalMs: 100 } } });
    await clock.advance(1);
    expect(health.isReady).toBe(true);
    const seen = new Set<boolean>();
    health.subscribe(() => seen.add(health.isReady));
    void health.drain({ graceMs: 10_000 });
    for (let at = 0; at < 100; at++) {
      await clock.advance(100);
      seen.add(health.isReady);
    }
    expect([asked > 90, [...seen]]).toEqual([true, [false]]);
    health.close();
    const before = asked;
    await clock.advance(10_000);
    expect([asked, clock.pending]).toEqual([before, 0]);
  });

  it("D66: a check that hangs is given up, holds up no other, and what is old counts for nothing", async () => {
    const clock = new VirtualClock();
    let others = 0;
    let hangs = false;
    const health = createHealth({
      clock,
      components: {
        hung: { check: () => (hangs ? hanging() : undefined), intervalMs: 1_000, timeoutMs: 500, failureThreshold: 1 },
        silent: { check: () => (hangs ? hanging() : undefined), intervalMs: 1_000, timeoutMs: 60_000, staleMs: 3_000 },
        other: { check: () => others++, intervalMs: 1_000 },
      },
    });
    await clock.advance(1);
    expect(health.isReady).toBe(true);
    hangs = true;
    await clock.advance(10_000);
    const states = health.view().components.map(({ state }) => state);
    expect([states, others > 8, health.isReady]).toEqual([["unhealthy", "unknown", "healthy"], true, false]);
    health.close();
  });

  it("D66: whatever a check throws, it is asked again", async () => {
    const clock = new VirtualClock();
    const hostile = {
      get message(): string {
        throw new Error("never");
      },
    };
    const thrown = [Object.create(null), Symbol("s"), hostile, undefined, "text", new Error("e".repeat(10_000))];
    let asked = 0;
    const check = (): never => {
      throw thrown[asked++ % thrown.length];
    };
    const health = createHealth({ clock, components: { a: { check, intervalMs: 100 } } });
    await clock.advance(2_000);
    expect(asked).toBeGreaterThan(15);
    expect(health.view().components[0]).toMatchObject({ state: "unhealthy" });
    health.failed("r".repeat(10_000));
    for (const { details } of health.view().components) expect(details?.length ?? 0).toBeLessThanOrEqual(500);
    health.close();
  });

  it("D67: what is optional degrades and stays in rotation; what is critical does not, and is believed when it lasts", async () => {
    const clock = new VirtualClock();
    const well = { extra: true, database: true };
    const check = (name: keyof typeof well) => () => {
      if (!well[name]) throw new Error("down");
    };
    const rules = { intervalMs: 100, failureThreshold: 3, successThreshold: 2 };
    const health = createHealth({
      clock,
      components: {
        extra: { check: check("extra"), critical: false, ...rules },
        database: { check: check("database"), ...rules },
      },
    });
    const after = async (checks: number): Promise<readonly unknown[]> => {
      await clock.advance(checks * 100);
      return [health.state, health.isReady];
    };
    expect(await after(1)).toEqual(["healthy", true]);
    well.extra = false;
    expect(await after(3)).toEqual(["degraded", true]);
    well.database = false;
    expect(await after(2)).toEqual(["degraded", true]);
    expect(await after(1)).toEqual(["unhealthy", false]);
    well.database = true;
    expect(await after(1)).toEqual(["unhealthy", false]);
    expect(await after(1)).toEqual(["degraded", true]);
    health.close();
  });

  it("D68: a drain waits for the requests in flight, no longer and no shorter", async () => {
    const clock = new VirtualClock();
    const health = createHealth({ clock });
    void health.track(() => clock.sleep(3_000));
    let endedMs = -1;
    const drained = health.drain({ timeoutMs: 30_000 }).then(({ left }) => ((endedMs = clock.now()), left));
    await clock.advance(10_000);
    expect([await drained, endedMs]).toEqual([0, 3_000]);
  });
});
