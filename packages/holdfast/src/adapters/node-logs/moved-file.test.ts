import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { LogEntry } from "../../telemetry/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { fileSink } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-moved-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const entry = (at: number): LogEntry => ({ at, level: "info", service: "s", message: `line ${at}`, fields: {} });
const messages = (path: string): readonly string[] =>
  [...readFileSync(path, "utf8").matchAll(/"message":"([^"]*)"/g)].map(([, message = ""]) => message);

it.each(["by itself, within a second", "at once, when it is told"])(
  "goes on in a new file after somebody has moved the old one: %s",
  async (way) => {
    const path = join(root, `${way.length}.log`);
    const clock = new VirtualClock();
    const sink = fileSink({ path, clock });
    sink.write(entry(1));
    await sink.flush();
    renameSync(path, `${path}-20260101`);
    if (way.startsWith("at once")) sink.reopen();
    else await clock.advance(1_000);
    sink.write(entry(2));
    await sink.flush();
    expect([messages(`${path}-20260101`), messages(path)]).toEqual([["line 1"], ["line 2"]]);
    // Also when it was taken away.
    rmSync(path);
    await clock.advance(1_000);
    sink.write(entry(3));
    await sink.close();
    expect([messages(path), sink.metrics]).toEqual([["line 3"], { written: 3, dropped: 0, error: undefined }]);
  },
);

it("knows how old a file is that another process has begun", async () => {
  const path = join(root, "old.log");
  const first = fileSink({ path });
  first.write(entry(1));
  await first.close();
  const begunAt = statSync(path).birthtimeMs;
  const ageMs = 3_600_000;
  const started = (wallTime: number) => {
    const clock = new VirtualClock();
    return fileSink({ path, maxAgeMs: ageMs, clock: { now: () => clock.now(), wallTime: () => wallTime } });
  };
  const early = started(begunAt + ageMs - 10);
  early.write(entry(2));
  await early.close();
  // A clock that has jumped back makes nothing old.
  const before = started(begunAt - 10 * ageMs);
  before.write(entry(3));
  await before.close();
  expect(existsSync(`${path}.1`)).toBe(false);
  const late = started(begunAt + ageMs + 10);
  late.write(entry(4));
  await late.close();
  expect([messages(`${path}.1`), messages(path)]).toEqual([["line 1", "line 2", "line 3"], ["line 4"]]);
});

it("syncs each write where it is told to, and counts what it cannot vouch for", async () => {
  const path = join(root, "synced.log");
  const sink = fileSink({ path, fsync: true });
  for (let at = 0; at < 5; at++) sink.write(entry(at));
  await sink.close();
  expect([messages(path).length, sink.metrics.written]).toEqual([5, 5]);
  // Takes writes, and cannot be synced.
  const nowhere = fileSink({ path: "/dev/null", fsync: true });
  nowhere.write(entry(1));
  await nowhere.flush();
  expect(nowhere.metrics).toMatchObject({ written: 0, dropped: 1, error: { code: "EINVAL" } });
  await nowhere.close();
  // Without, only `flush` syncs.
  const unsynced = fileSink({ path: "/dev/null" });
  unsynced.write(entry(1));
  await unsynced.flush();
  expect(unsynced.metrics).toMatchObject({ written: 1, dropped: 0, error: { code: "EINVAL" } });
  await unsynced.close();
  expect(() => fileSink({ path, fsync: 1 as never })).toThrow('fileSink.fsync must be "true" or "false"');
});
