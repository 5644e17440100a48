import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { logLevels, logLine, type LogEntry } from "./log-entry.ts";
import type { LogSink } from "./log-sink.ts";
import { createLogger, type Logger, type LoggerOptions } from "./logger.ts";
import { prettyLine } from "./pretty-line.ts";

class MemorySink implements LogSink {
  readonly entries: LogEntry[] = [];
  readonly level?: LogSink["level"] & string;
  flushed = 0;

  constructor(level?: LogSink["level"]) {
    if (level !== undefined) this.level = level;
  }

  write(entry: LogEntry): void {
    this.entries.push(entry);
  }

  async flush(): Promise<void> {
    this.flushed++;
  }
}

function logging(options: Partial<LoggerOptions> = {}) {
  const clock = new VirtualClock();
  const sink = new MemorySink();
  const logger = createLogger({ service: "orders", sinks: [sink], clock, ...options });
  return { clock, sink, logger };
}

describe("a logger", () => {
  it("writes from its level on, each sink from its own", () => {
    const grave = new MemorySink("error");
    const all = new MemorySink();
    const logger = createLogger({ service: "s", sinks: [grave, all], level: "debug" });
    for (const level of logLevels) logger[level](`at ${level}`);
    expect(all.entries.map(({ level }) => level)).toEqual(["debug", "info", "warn", "error", "fatal"]);
    expect(grave.entries.map(({ level }) => level)).toEqual(["error", "fatal"]);
    expect([grave.flushed, all.flushed]).toEqual([1, 1]);
    expect(logLevels.map((level) => logger.wants(level))).toEqual([false, true, true, true, true, true]);
    expect(createLogger({ service: "s", sinks: [grave], level: "trace" }).wants("warn")).toBe(false);
  });

  it("keeps fields apart from its own names, and the child's context from its parent's", () => {
    const { sink, logger } = logging({ context: { version: "1", level: "mine" } });
    const child = logger.child({ requestId: 7, version: "2" });
    child.info("paid", { amount: 5, message: "theirs", requestId: 8 });
    logger.info("alone");
    expect(sink.entries.map(({ message, fields }) => [message, fields])).toEqual([
      ["paid", { version: "2", level: "mine", requestId: 8, amount: 5, message: "theirs" }],
      ["alone", { version: "1", level: "mine" }],
    ]);
    const line = JSON.parse(logLine(sink.entries[0]!)) as Record<string, unknown>;
    expect([line["time"], line["level"], line["message"]]).toEqual(["2026-01-01T00:00:00.000Z", "info", "paid"]);
  });

  it("tells errors with their causes, and the span it is in", () => {
    const span = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
    const { sink, logger } = logging({ span: () => span });
    const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    logger.error("charge failed", { error: new AggregateError([cause], "all failed", { cause }), orderId: 1 });
    const [entry] = sink.entries;
    expect(entry).toMatchObject({ ...span, fields: { orderId: 1 } });
    expect(entry?.error).toMatchObject({
      name: "AggregateError",
      message: "all failed",
      cause: { code: "ECONNREFUSED", message: "refused" },
      errors: [{ message: "refused" }],
    });
    expect(JSON.parse(logLine(entry!))).toMatchObject({ trace_id: span.traceId, span_id: span.spanId });
    expect(prettyLine(entry!).split("\n").slice(0, 2)).toEqual([
      `00:00:00.000 ERROR orders  charge failed  orderId=1 trace=${span.traceId}`,
      "  AggregateError: all failed",
    ]);
  });

  it("shows nobody what is secret, wherever it is", () => {
    const { sink, logger } = logging({ redact: { paths: ["user.card", "items[*].iban"] } });
    const secret = "hunter2";
    logger.info(`Bearer ${secret} came`, {
      password: secret,
      headers: { authorization: secret, cookie: secret, "x-api-key": secret, host: "h" },
      user: { card: { number: secret }, name: "ann" },
      items: [{ iban: secret, amount: 1 }],
      url: `postgres://ann:${secret}@db/x`,
      error: new Error(`connect postgres://ann:${secret}@db`, { cause: new Error(`Bearer ${secret}`) }),
      deep: { list: new Map([["accessToken", secret]]) },
    });
    expect(JSON.stringify(sink.entries)).not.toContain(secret);
    expect(sink.entries[0]?.fields).toMatchObject({
      user: { name: "ann" },
      items: [{ amount: 1 }],
      headers: { host: "h" },
    });
  });

  it("holds back lines alike, and says how many", async () => {
    const { clock, sink, logger } = logging({ repeats: { most: 2, windowMs: 1_000 } });
    for (let each = 0; each < 10; each++) logger.warn("slow");
    logger.warn("other");
    await clock.advance(1_000);
    logger.warn("slow");
    expect(sink.entries.map(({ message, suppressed = 0 }) => [message, suppressed])).toEqual([
      ["slow", 0],
      ["slow", 0],
      ["other", 0],
      ["slow", 8],
    ]);
    expect(logger.metrics).toEqual({ written: 4, suppressed: 8, sinkFailures: 0 });
    for (let each = 0; each < 5_000; each++) logger.info(`line ${each}`);
    expect(sink.entries).toHaveLength(5_004);
  });

  it("goes on when a sink fails", async () => {
    const sink = new MemorySink();
    const broken: LogSink = {
      write: () => {
        throw new Error("broken");
      },
      flush: () => Promise.reject(new Error("broken")),
    };
    const logger: Logger = createLogger({ service: "s", sinks: [broken, sink] });
    logger.info("here");
    await logger.flush();
    await logger.close();
    expect([sink.entries.length, sink.flushed, logger.metrics.sinkFailures]).toEqual([1, 2, 3]);
  });

  it("writes whatever it is given, and never throws", () => {
    const { sink, logger } = logging();
    const circle: Record<string, unknown> = { big: 1n, missing: undefined, bytes: new Uint8Array(5), nan: Number.NaN };
    circle["self"] = circle;
    circle["at"] = new Date(0);
    circle["call"] = () => 1;
    Object.defineProperty(circle, "bad", { enumerable: true, get: () => { throw new Error("no"); } }); // prettier-ignore
    const proxy = new Proxy({}, { ownKeys: () => { throw new Error("no"); } }); // prettier-ignore
    logger.info("odd", circle);
    logger.info("proxy", proxy);
    logger.info(undefined as never, null as never);
    logger.info("thrown", { error: "text" });
    logger.info("x".repeat(20_000), { text: "y".repeat(20_000), list: Array.from({ length: 500 }, (_, at) => at) });
    expect(sink.entries[0]?.fields).toEqual({
      big: "1",
      missing: null,
      bytes: "[5 bytes]",
      nan: "NaN",
      self: "[circular]",
      at: "1970-01-01T00:00:00.000Z",
      call: "[function]",
      bad: "[unreadable]",
    });
    expect(sink.entries[1]?.fields).toEqual({ fields: "[unreadable]" });
    expect(sink.entries[3]?.error).toEqual({ name: "thrown", message: "text" });
    expect(sink.entries[4]?.message.length).toBeLessThan(8_300);
    for (const entry of sink.entries) expect(logLine(entry).length).toBeLessThan(30_000);
    fc.assert(
      fc.property(fc.string(), fc.anything({ withBigInt: true, withMap: true, withSet: true }), (message, value) => {
        logger.warn(message, { value });
        logger.warn(message, value as object);
        expect(JSON.parse(logLine(sink.entries.at(-1)!))).toMatchObject({ level: "warn" });
      }),
    );
  });

  it("lets no message steer a terminal", () => {
    const { sink, logger } = logging();
    logger.info("\u001b[2Jgone\nnext");
    expect(prettyLine(sink.entries[0]!)).toBe("00:00:00.000 INFO  orders  ·[2Jgone⏎ next");
  });

  it.each([
    [{ service: "" }, "logger.service must be 1 to 128 characters"],
    [{ level: "loud" }, "logger.level must be"],
    [{ sinks: [{}] }, "logger.sinks[0].write must be a function"],
    [{ redact: { paths: ["a..b"] } }, "redact.paths[0] must be names with dots between them"],
    [{ redact: { texts: [/x/] } }, "redact.texts[0] must be a global regular expression"],
    [{ repeats: { most: 0, windowMs: 1 } }, "logger.repeats.most must be an integer >= 1"],
    [{ name: "x" }, "logger.name is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => logging(options as never)).toThrow(message);
  });
});
