import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { batchSink, type BatchSinkOptions, type SendOutcome } from "./batch-sink.ts";
import type { LogEntry } from "./log-entry.ts";

const entry = (at: number): LogEntry => ({ at, level: "info", service: "s", message: `line ${at}`, fields: {} });

/** Another side that is up, down, or silent, as the test says. */
function scene(options: Partial<BatchSinkOptions> = {}) {
  const clock = new VirtualClock();
  const far = { state: "up" as "up" | "down" | "silent" | SendOutcome, got: [] as LogEntry[], batches: 0, aborted: 0 };
  const sink = batchSink({
    clock,
    random: seededRandom(1),
    send: async (batch, { signal }) => {
      far.batches++;
      signal.addEventListener("abort", () => far.aborted++);
      if (far.state === "down") throw new Error("refused");
      if (far.state === "silent") await new Promise(() => undefined);
      if (far.state !== "up" && far.state !== "silent") return far.state;
      far.got.push(...batch);
      return "sent";
    },
    ...options,
  });
  const told = (): number => far.got.reduce((sum, { fields }) => sum + Number(fields["dropped"] ?? 0), 0);
  const lines = (): readonly string[] =>
    far.got.filter(({ fields }) => fields["dropped"] === undefined).map(({ message }) => message);
  return { clock, far, sink, told, lines };
}

describe("batchSink", () => {
  it("sends what has waited long enough, or is enough", async () => {
    const { clock, far, sink, lines } = scene({ maxBatch: 3 });
    sink.write(entry(1));
    await clock.advance(999);
    expect(far.batches).toBe(0);
    await clock.advance(1);
    expect(lines()).toEqual(["line 1"]);
    for (const at of [2, 3, 4]) sink.write(entry(at));
    await clock.advance(0);
    expect([far.batches, lines()]).toEqual([2, ["line 1", "line 2", "line 3", "line 4"]]);
    expect(sink.metrics).toEqual({ buffered: 0, sent: 4, dropped: 0, failures: 0 });
    await sink.close();
    expect(clock.pending).toBe(0);
  });

  it("loses nothing while the other side is down for a minute, up to the bound", async () => {
    const { clock, far, sink, lines, told } = scene({ maxBuffered: 6_000 });
    far.state = "down";
    for (let second = 0; second < 60; second++) {
      for (let each = 0; each < 100; each++) sink.write(entry(second * 100 + each));
      await clock.advance(1_000);
    }
    expect(far.batches).toBeGreaterThan(5);
    expect(sink.metrics).toMatchObject({ buffered: 6_000, sent: 0, dropped: 0 });
    far.state = "up";
    await clock.advance(31_000);
    expect(lines()).toEqual(Array.from({ length: 6_000 }, (_, at) => `line ${at}`));
    expect([told(), sink.metrics.dropped]).toEqual([0, 0]);
    await sink.close();
  });

  it.each(["oldest", "newest"] as const)(
    "drops the %s beyond the bound, and tells exactly how many",
    async (overflow) => {
      const { clock, far, sink, lines, told } = scene({ maxBuffered: 500, overflow });
      far.state = "down";
      for (let second = 0; second < 60; second++) {
        for (let each = 0; each < 20; each++) sink.write(entry(second * 20 + each));
        await clock.advance(1_000);
      }
      far.state = "up";
      await clock.advance(31_000);
      sink.write(entry(1_200));
      await clock.advance(1_000);
      const kept = overflow === "oldest" ? [700, 1_199] : [0, 499];
      expect([lines()[0], lines().at(-2), lines().length]).toEqual([`line ${kept[0]}`, `line ${kept[1]}`, 501]);
      expect([told(), sink.metrics.dropped]).toEqual([700, 700]);
      expect(sink.metrics.sent + sink.metrics.dropped).toBe(1_201);
      await sink.close();
    },
  );

  it("gives up on a sending that takes too long, and sends the batch again", async () => {
    const { clock, far, sink, lines } = scene({ timeoutMs: 5_000 });
    far.state = "silent";
    sink.write(entry(1));
    await clock.advance(6_001);
    expect([far.aborted, sink.metrics.failures]).toEqual([1, 1]);
    far.state = "up";
    await clock.advance(600);
    expect(lines()).toEqual(["line 1"]);
    await sink.close();
  });

  it("halves what is too large, and drops what is refused", async () => {
    const sizes: number[] = [];
    const { clock, sink } = scene({
      maxBatch: 8,
      send: async (batch) => {
        const own = batch.filter(({ fields }) => fields["dropped"] === undefined);
        sizes.push(own.length);
        if (own.length > 2) return "tooLarge";
        return own.some(({ at }) => at === 5) ? "refused" : "sent";
      },
    });
    for (let at = 1; at <= 8; at++) sink.write(entry(at));
    await clock.advance(1);
    expect(sizes.slice(0, 3)).toEqual([8, 4, 2]);
    expect(sink.metrics).toMatchObject({ buffered: 0, sent: 6, dropped: 2 });
    await sink.close();
  });

  it("ends its tries when it is closed, and counts what is left", async () => {
    const { clock, far, sink } = scene({ closeMs: 2_000 });
    far.state = "down";
    for (let at = 0; at < 10; at++) sink.write(entry(at));
    const closed = sink.close();
    await clock.advance(2_001);
    await closed;
    sink.write(entry(10));
    expect(sink.metrics).toMatchObject({ buffered: 0, sent: 0, dropped: 11 });
    expect(clock.pending).toBe(0);
  });

  it("flushes at once, or until its signal fires", async () => {
    const { clock, far, sink, lines } = scene();
    sink.write(entry(1));
    await sink.flush();
    expect(lines()).toEqual(["line 1"]);
    far.state = "down";
    sink.write(entry(2));
    const controller = new AbortController();
    const flushed = sink.flush({ signal: controller.signal });
    await clock.advance(100);
    controller.abort();
    await flushed;
    expect(sink.metrics.buffered).toBe(1);
    far.state = "up";
    await sink.close();
    expect(lines()).toEqual(["line 1", "line 2"]);
  });

  it("flushes what was written before, however much is written meanwhile", async () => {
    const { clock, sink, lines } = scene({
      maxBatch: 2,
      maxBuffered: 6,
      send: async (batch) => {
        await clock.sleep(100);
        for (let each = 0; each < batch.length; each++) sink.write(entry(99));
        return "sent";
      },
    });
    for (let at = 0; at < 4; at++) sink.write(entry(at));
    const flushed = sink.flush().then(() => clock.now());
    const part = sink.flush().then(() => sink.metrics.sent);
    await clock.advance(1_000);
    expect([await flushed, await part]).toEqual([200, 4]);
    expect([sink.metrics.buffered, lines()]).toEqual([4, []]);
    const closed = sink.close();
    await clock.advance(10_000);
    await closed;
  });

  it("does not take what is dropped behind for what was waited for", async () => {
    const gate = Promise.withResolvers<"sent">();
    const { clock, sink } = scene({ maxBatch: 2, maxBuffered: 3, send: () => gate.promise });
    for (let at = 0; at < 2; at++) sink.write(entry(at));
    let isFlushed = false;
    void sink.flush().then(() => (isFlushed = true));
    for (let at = 2; at < 20; at++) sink.write(entry(at));
    await clock.advance(10);
    expect([isFlushed, sink.metrics.dropped]).toEqual([false, 17]);
    gate.resolve("sent");
    await clock.advance(10);
    expect(isFlushed).toBe(true);
    await sink.close();
  });

  it("leaves nothing on a signal that lives on, and is closed once, for all who close it", async () => {
    const { clock, far, sink } = scene();
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const counted = {
      aborted: false,
      addEventListener: (...given: Parameters<AbortSignal["addEventListener"]>) => {
        listeners++;
        signal.addEventListener(...given);
      },
      removeEventListener: (...given: Parameters<AbortSignal["removeEventListener"]>) => {
        listeners--;
        signal.removeEventListener(...given);
      },
    };
    for (let at = 0; at < 5; at++) {
      sink.write(entry(at));
      await sink.flush({ signal: counted as unknown as AbortSignal });
    }
    expect([listeners, sink.metrics.sent]).toEqual([0, 5]);
    far.state = "down";
    sink.write(entry(5));
    const first = sink.close();
    const flushed = sink.flush();
    let isClosed = false;
    const second = sink.close().then(() => (isClosed = true));
    await clock.advance(4_999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await Promise.all([first, second, flushed]);
    expect(sink.metrics).toMatchObject({ sent: 5, dropped: 1, buffered: 0 });
  });

  it("accounts for every line, whatever happens to the other side", async () => {
    const happening = fc.oneof(
      fc.record({ write: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ ms: fc.nat(20_000) }),
      fc.record({ state: fc.constantFrom("up", "down", "silent", "refused", "tooLarge") }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { maxLength: 40 }),
        fc.constantFrom("oldest", "newest"),
        async (happenings, overflow) => {
          const { clock, far, sink, told, lines } = scene({ maxBuffered: 50, maxBatch: 7, overflow });
          let written = 0;
          for (const each of happenings) {
            if ("write" in each) for (let count = 0; count < each.write; count++) sink.write(entry(written++));
            else if ("ms" in each) await clock.advance(each.ms);
            else far.state = each.state as typeof far.state;
            const { buffered, sent, dropped } = sink.metrics;
            expect(buffered + sent + dropped).toBe(written);
            expect(buffered).toBeLessThanOrEqual(50);
          }
          far.state = "up";
          await clock.advance(60_000);
          sink.write(entry(written++));
          await clock.advance(60_000);
          const { sent, dropped } = sink.metrics;
          expect([sent, dropped]).toEqual([lines().length, told()]);
          expect(sent + dropped).toBe(written);
          // In order, and none twice: nothing that has failed here had arrived.
          expect(lines()).toEqual([...new Set(lines())].toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5))));
          const closed = sink.close();
          await clock.advance(6_000);
          await closed;
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each([
    [{ maxBatch: 0 }, "batchSink.maxBatch must be an integer >= 1"],
    [{ overflow: "both" }, "batchSink.overflow must be"],
    [{ retryMs: { least: 5, most: 1 } }, "batchSink.retryMs.most must be a number >= 5"],
    [{ send: undefined }, "batchSink.send must be a function"],
    [{ batch: 1 }, "batchSink.batch is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => scene(options as never)).toThrow(message);
  });
});
