import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { seededRandom } from "../../runtime/index.ts";
import type { LogEntry } from "./log-entry.ts";
import { createLogger, type Logger } from "./logger.ts";
import type { LogSink } from "./log-sink.ts";
import { httpSink, type LogFetch } from "./http-sink.ts";

describe("a logger whose sinks misbehave", () => {
  it("counts a sink that writes asynchronously and fails", async () => {
    const sink: LogSink = { write: () => Promise.reject(new Error("later")) as never };
    const logger = createLogger({ service: "s", sinks: [sink] });
    logger.info("x");
    await Promise.resolve();
    expect(logger.metrics.sinkFailures).toBe(1);
  });

  it("ends although every sink logs whatever it writes", () => {
    let written = 0;
    const loud = (): LogSink => ({
      write: () => {
        written++;
        logger.error("from within");
      },
    });
    const logger: Logger = createLogger({ service: "s", sinks: [loud(), loud()] });
    logger.info("x");
    expect([written, logger.metrics.sinkFailures]).toEqual([30, 16]);
    logger.info("y");
    expect(written).toBe(60);
  });

  it("waits for nobody whom the signal has given up on", async () => {
    const never = (): Promise<void> => new Promise(() => undefined);
    const logger = createLogger({ service: "s", sinks: [{ write: () => undefined, flush: never, close: never }] });
    const controller = new AbortController();
    const both = Promise.all([logger.flush(controller), logger.close(controller)]);
    controller.abort();
    await both;
    await logger.flush({ signal: AbortSignal.abort() });
  });
});

describe("the level", () => {
  it("changes while the program runs, for those that have it from the same logger", () => {
    const entries: LogEntry[] = [];
    const logger = createLogger({ service: "s", sinks: [{ write: (entry) => entries.push(entry) }] });
    const child = logger.child({ of: "child" });
    const own = logger.child({ of: "own" }, { level: "warn" });
    const all = [logger, child, own];
    const shown = (): readonly string[] => all.map(({ level }) => level);
    logger.setLevel("debug");
    expect(shown()).toEqual(["debug", "debug", "warn"]);
    for (const each of all) each.debug("seen");
    expect(entries.map(({ fields }) => fields["of"])).toEqual([undefined, "child"]);
    child.setLevel("error");
    expect([...shown(), child.child({}).level]).toEqual(["debug", "error", "warn", "error"]);
    logger.setLevel("fatal");
    expect(shown()).toEqual(["fatal", "error", "warn"]);
    expect(logger.wants("error")).toBe(false);
    expect(() => logger.setLevel("loud" as never)).toThrow("logger.level must be");
    expect(shown()).toEqual(["fatal", "error", "warn"]);
  });
});

it("lines held back that nothing came after are told at the end", async () => {
  const entries: LogEntry[] = [];
  const clock = new VirtualClock();
  const sinks = [{ write: (entry: LogEntry) => entries.push(entry) }];
  const logger = createLogger({ service: "s", sinks, clock, repeats: { most: 1, windowMs: 1_000 } });
  for (let at = 0; at < 5; at++) logger.warn("slow");
  for (let at = 0; at < 2; at++) logger.error("down");
  logger.info("once");
  await logger.close();
  expect(entries.map(({ level, message, suppressed = 0 }) => [level, message, suppressed])).toEqual([
    ["warn", "slow", 0],
    ["error", "down", 0],
    ["info", "once", 0],
    ["warn", "slow", 3],
    ["error", "down", 0],
  ]);
  expect(logger.metrics).toEqual({ written: 5, suppressed: 3, sinkFailures: 0 });
});

describe("a log server", () => {
  /** One that answers as it is told, for good; and when it was asked. */
  function server(answer: { status: number; retryAfter?: string } | "redirect") {
    const clock = new VirtualClock();
    const asked: number[] = [];
    const far = { answer };
    const fetch: LogFetch = async (_url, { redirect }) => {
      asked.push(clock.now());
      if (far.answer === "redirect") {
        // As `fetch` does; without it, it would be asked again by GET.
        if (redirect === "error") throw new TypeError("redirected");
        return { status: 200 };
      }
      const { status, retryAfter = null } = far.answer;
      const body = { cancel: () => Promise.reject(new Error("gone")) };
      return { status, body, headers: { get: (name) => (name === "retry-after" ? retryAfter : null) } };
    };
    const sink = httpSink({ url: "http://x/", fetch, clock, random: seededRandom(1), delayMs: 0 });
    const logger = createLogger({ service: "s", sinks: [sink], clock });
    return { clock, asked, far, sink, logger };
  }

  it.each([
    ["seconds", "60", 60_000],
    ["a date", "Thu, 01 Jan 2026 00:00:40 GMT", 39_999],
    ["a week", "604800", 300_000],
    ["nonsense", "soon", 500],
    ["the past", "Thu, 01 Jan 1970 00:00:40 GMT", 500],
  ])("is asked again no sooner than it has said: %s", async (_, retryAfter, afterMs) => {
    const { clock, asked, sink, logger, far } = server({ status: 429, retryAfter });
    logger.info("x");
    await clock.advance(1);
    expect(asked).toHaveLength(1);
    await clock.advance(afterMs / 2 - 2);
    const flushed = logger.flush();
    await clock.advance(0);
    // Asking for a flush is no reason to break in, unless nothing was said.
    if (afterMs > 1_000) expect(asked).toHaveLength(1);
    far.answer = { status: 204 };
    await clock.advance(afterMs + 5_000);
    await flushed;
    if (afterMs > 1_000) expect(asked[1]! - asked[0]!).toBe(afterMs);
    expect(sink.metrics).toMatchObject({ sent: 1, dropped: 0, failures: afterMs > 1_000 ? 1 : 2 });
  });

  it("that leads elsewhere has taken nothing", async () => {
    const { clock, sink, logger } = server("redirect");
    logger.info("x");
    await clock.advance(5_000);
    expect(sink.metrics).toMatchObject({ buffered: 1, sent: 0, dropped: 0 });
    expect(sink.metrics.failures).toBeGreaterThan(1);
    const closed = logger.close();
    await clock.advance(5_000);
    await closed;
    expect(sink.metrics).toMatchObject({ buffered: 0, dropped: 1 });
  });

  it("whose answers cannot be thrown away has taken what it says it took", async () => {
    const { clock, sink, logger } = server({ status: 200 });
    logger.info("x");
    await clock.advance(1);
    expect(sink.metrics).toEqual({ buffered: 0, sent: 1, dropped: 0, failures: 0 });
  });

  it("that finds every line too large loses them one by one, counted", async () => {
    const { clock, asked, sink, logger } = server({ status: 413 });
    for (let at = 0; at < 4; at++) logger.info(`x${at}`);
    await clock.advance(1);
    expect([sink.metrics.dropped, asked.length]).toEqual([4, 6]);
  });
});
