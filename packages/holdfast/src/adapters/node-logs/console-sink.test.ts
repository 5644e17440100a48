import { PassThrough, Writable } from "node:stream";
import { expect, it } from "vitest";
import type { LogEntry } from "../../telemetry/index.ts";
import { consoleSink } from "./index.ts";

const entry = (at: number): LogEntry => ({ at, level: "info", service: "s", message: `line ${at}`, fields: {} });

it("keeps no more than it may for a reader that is too slow, and counts the rest", async () => {
  const stream = new PassThrough({ highWaterMark: 1 });
  const sink = consoleSink({ stream, maxBufferedBytes: 1_024 });
  for (let at = 0; at < 1_000; at++) sink.write(entry(at));
  expect(stream.writableLength).toBeLessThan(1_200);
  const { written, dropped } = sink.metrics;
  expect([written + dropped, written < 30]).toEqual([1_000, true]);
  const flushed = sink.flush();
  stream.resume();
  await flushed;
  sink.write(entry(1));
  expect(sink.metrics).toEqual({ written: written + 1, dropped });
  await sink.flush();
});

it("outlives a reader that is gone, leaves its errors to whoever else writes there, and counts", async () => {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
  const sink = consoleSink({ stream });
  for (let at = 0; at < 3; at++) sink.write(entry(at));
  await new Promise((resolve) => setImmediate(resolve));
  sink.write(entry(3));
  await new Promise((resolve) => setImmediate(resolve));
  expect(sink.metrics).toEqual({ written: 0, dropped: 4 });
  expect(stream.listenerCount("error")).toBeLessThanOrEqual(1);
  await sink.flush();
  expect(() => consoleSink({ maxBufferedBytes: 1 })).toThrow("consoleSink.maxBufferedBytes must be an integer >= 1024");
});
