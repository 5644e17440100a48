import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { LogEntry } from "../../telemetry/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { consoleSink, fileSink, type FileSinkOptions } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-logs-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const entry = (at: number): LogEntry => ({ at, level: "info", service: "s", message: `line ${at}`, fields: {} });

let files = 0;
function writing(options: Partial<FileSinkOptions> = {}) {
  const directory = join(root, String(++files), "deep");
  const path = options.path ?? join(directory, "s.log");
  const messages = (name: string): readonly string[] =>
    readFileSync(join(directory, name), "utf8")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { message: string }).message);
  return { directory, path, sink: fileSink({ ...options, path }), messages };
}

describe("fileSink", () => {
  it("makes the directory, keeps the order, and puts files aside by size", async () => {
    const { directory, sink, messages } = writing({ maxBytes: 1_024, maxFiles: 3 });
    for (let at = 0; at < 100; at++) sink.write(entry(at));
    await sink.close();
    expect(readdirSync(directory).toSorted()).toEqual(["s.log", "s.log.1", "s.log.2", "s.log.3"]);
    const kept = ["s.log.3", "s.log.2", "s.log.1", "s.log"].flatMap(messages);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => `line ${100 - kept.length + at}`));
    for (const name of readdirSync(directory)) {
      expect(readFileSync(join(directory, name)).length).toBeLessThanOrEqual(1_024);
    }
    expect(sink.metrics).toEqual({ written: 100, dropped: 0, error: undefined });
  });

  it("goes on where it was, on a line of its own, and puts files aside by age", async () => {
    const first = writing();
    first.sink.write(entry(1));
    await first.sink.close();
    // A crash in the middle of a line.
    writeFileSync(first.path, `${readFileSync(first.path, "utf8")}{"half`);
    const clock = new VirtualClock();
    const sink = fileSink({ path: first.path, maxAgeMs: 60_000, clock });
    sink.write(entry(2));
    await sink.flush();
    expect(readFileSync(first.path, "utf8").split("\n")).toHaveLength(4);
    await clock.advance(60_000);
    sink.write(entry(3));
    await sink.close();
    expect(first.messages("s.log")).toEqual(["line 3"]);
    expect(existsSync(`${first.path}.1`)).toBe(true);
  });

  it("removes older files that are more than it may keep", async () => {
    const { directory, path, sink } = writing({ maxBytes: 1_024, maxFiles: 1 });
    sink.write(entry(0));
    await sink.flush();
    for (const number of [2, 7]) writeFileSync(`${path}.${number}`, "old");
    writeFileSync(`${path}.keep`, "of somebody else");
    for (let at = 0; at < 30; at++) sink.write(entry(at));
    await sink.close();
    expect(readdirSync(directory).toSorted()).toEqual(["s.log", "s.log.1", "s.log.keep"]);
  });

  it.runIf(existsSync("/dev/full"))("counts what a full disk does not take, and says why", async () => {
    const { sink } = writing({ path: "/dev/full" });
    for (let at = 0; at < 5; at++) sink.write(entry(at));
    await sink.flush();
    expect(sink.metrics).toMatchObject({ written: 0, dropped: 5, error: { code: "ENOSPC" } });
    await sink.close();
  });

  it("drops what is beyond its buffer, and what comes after it was closed", async () => {
    const { sink } = writing({ maxBufferedBytes: 1_024 });
    for (let at = 0; at < 50; at++) sink.write(entry(at));
    const { dropped } = sink.metrics;
    expect(dropped).toBeGreaterThan(30);
    await sink.close();
    sink.write(entry(50));
    expect(sink.metrics).toMatchObject({ written: 50 - dropped, dropped: dropped + 1 });
  });

  it.each([
    [{ path: "" }, "fileSink.path must be a path"],
    [{ maxBytes: 1 }, "fileSink.maxBytes must be an integer >= 1024"],
    [{ size: 1 }, "fileSink.size is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => writing(options as never)).toThrow(message);
  });
});

describe("consoleSink", () => {
  it.each([
    [true, "INFO"],
    [false, '"level":"info"'],
  ])("writes for whoever reads: terminal %s", (isTTY, part) => {
    const written: string[] = [];
    consoleSink({ stream: { isTTY, write: (text) => written.push(text) } }).write(entry(0));
    expect(written).toHaveLength(1);
    expect(written[0]).toContain(part);
    // oxlint-disable-next-line no-control-regex
    expect(/\u001b\[/.test(written[0]!)).toBe(isTTY && process.env["NO_COLOR"] === undefined);
  });
});
