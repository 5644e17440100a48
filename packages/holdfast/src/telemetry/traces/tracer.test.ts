import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { createLogger } from "../logs/logger.ts";
import { neverSample, sampleByParent, sampleRatio, type Sampler } from "./sampler.ts";
import type { FinishedSpan } from "./span.ts";
import { createTracer, type TracerOptions } from "./tracer.ts";

const remote = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", isRemote: true } as const;

function scene(options: Partial<TracerOptions> = {}) {
  const clock = new VirtualClock();
  const spans: FinishedSpan[] = [];
  const sink = { write: (span: FinishedSpan): void => void spans.push(span) };
  const tracer = createTracer({ clock, random: seededRandom(7), sinks: [sink], ...options });
  return { clock, spans, tracer };
}

describe("createTracer", () => {
  it("makes spans of one trace from those begun inside one another, through everything awaited", async () => {
    const { clock, spans, tracer } = scene();
    const done = tracer.inSpan("outer", async (outer) => {
      await clock.sleep(5);
      expect(tracer.current()).toBe(outer);
      await tracer.inSpan("inner", () => clock.sleep(10), { kind: "client", attributes: { rows: 3 } });
      expect(tracer.current()).toBe(outer);
    });
    expect(tracer.current()).toBeUndefined();
    await clock.advance(100);
    await done;
    const [inner, outer] = spans;
    expect(inner).toMatchObject({
      name: "inner",
      kind: "client",
      durationMs: 10,
      attributes: { rows: 3 },
      parentSpanId: outer?.spanId,
      isParentRemote: false,
      status: { code: "unset" },
      dropped: { attributes: 0, events: 0, links: 0 },
    });
    expect(outer).toMatchObject({ name: "outer", kind: "internal", durationMs: 15 });
    expect(outer).not.toHaveProperty("parentSpanId");
    expect([inner?.traceId, inner?.startedAt]).toEqual([outer?.traceId, (outer?.startedAt ?? 0) + 5]);
    expect(outer?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(outer?.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(tracer.metrics).toEqual({ started: 2, ended: 2, unsampled: 0, failures: 0 });
  });

  it("keeps lines of work that run at once apart", async () => {
    const { clock, spans, tracer } = scene();
    const work = ["a", "b"].map((name) =>
      tracer.inSpan(name, async () => {
        await clock.sleep(10);
        tracer.inSpan(`${name}.inner`, () => undefined);
      }),
    );
    await clock.advance(10);
    await Promise.all(work);
    const byName = new Map(spans.map((span) => [span.name, span]));
    for (const name of ["a", "b"]) expect(byName.get(`${name}.inner`)?.parentSpanId).toBe(byName.get(name)?.spanId);
    expect(byName.get("a")?.traceId).not.toBe(byName.get("b")?.traceId);
  });

  it("has what was thrown as the status, and throws it on", async () => {
    const { spans, tracer } = scene();
    const error = Object.assign(new TypeError("no such host"), { code: "ENOTFOUND" });
    expect(() =>
      tracer.inSpan("sync", () => {
        throw error;
      }),
    ).toThrow(error);
    await expect(tracer.inSpan("later", () => Promise.reject(error))).rejects.toBe(error);
    expect(spans.map(({ name }) => name)).toEqual(["sync", "later"]);
    for (const { status, attributes, events } of spans) {
      expect(status).toEqual({ code: "error", message: "no such host" });
      expect(attributes).toEqual({ "error.type": "ENOTFOUND" });
      expect(events).toMatchObject([
        { name: "exception", attributes: { "exception.type": "TypeError", "exception.message": "no such host" } },
      ]);
    }
  });

  it("goes on with the trace of another process, and with its state", () => {
    const { spans, tracer } = scene();
    const span = tracer.startSpan("request", {
      kind: "server",
      parent: { ...remote, sampled: true, traceState: "a=1" },
    });
    expect(span).toMatchObject({ traceId: remote.traceId, traceState: "a=1", random: false, sampled: true });
    tracer.run(span, () => tracer.inSpan("inner", () => undefined));
    tracer.run(span, () => tracer.startSpan("new", { parent: null }).end());
    span.end();
    const [inner, other, request] = spans;
    expect(request).toMatchObject({ parentSpanId: remote.spanId, isParentRemote: true, traceState: "a=1" });
    expect(inner).toMatchObject({ parentSpanId: request?.spanId, traceId: remote.traceId, traceState: "a=1" });
    expect(other?.traceId).not.toBe(remote.traceId);
  });

  it("puts no child before its parent when the wall clock is set", async () => {
    const { clock, spans, tracer } = scene();
    const parent = tracer.startSpan("parent");
    await clock.advance(10);
    const real = clock.wallTime.bind(clock);
    clock.wallTime = () => real() - 3_600_000;
    const child = tracer.startSpan("child", { parent });
    await clock.advance(10);
    child.end();
    parent.end();
    expect(spans[0]?.startedAt).toBe((spans[1]?.startedAt ?? 0) + 10);
    expect(spans[1]?.durationMs).toBe(20);
  });

  it("keeps a bounded amount, and counts the rest", () => {
    const { spans, tracer } = scene({ limits: { maxAttributes: 2, maxEvents: 1, maxLinks: 1, maxText: 4 } });
    const link = { context: { ...remote, sampled: true } };
    const span = tracer.startSpan("too long", { attributes: { a: "abcdef", b: [1, 2], c: 3 }, links: [link, link] });
    span.setAttribute("a", "x");
    span.setAttributes({ d: 1, e: undefined, b: true });
    span.addEvent("first", { z: 1 });
    span.addEvent("second");
    span.end();
    expect(spans[0]).toMatchObject({
      name: "too ",
      attributes: { a: "x", b: true },
      events: [{ name: "firs", attributes: { z: 1 } }],
      dropped: { attributes: 2, events: 1, links: 1 },
    });
    expect(spans[0]?.links).toHaveLength(1);
  });

  it("takes nothing that is no attribute, and copies lists", () => {
    const { spans, tracer } = scene();
    const list = ["a"];
    const span = tracer.startSpan("odd", { attributes: { list, mixed: [1, "a"], object: {}, none: null } as never });
    list.push("b");
    span.end();
    expect(spans[0]?.attributes).toEqual({ list: ["a"] });
  });

  it("ends once, and takes nothing afterwards", async () => {
    const { clock, spans, tracer } = scene();
    const span = tracer.startSpan("once");
    expect(span.isRecording).toBe(true);
    span.setStatus({ code: "ok" });
    span.fail(new Error("too late to matter"));
    span.end();
    await clock.advance(10);
    span.end();
    span.setAttribute("late", 1);
    span.addEvent("late");
    span.rename("late");
    expect(span.isRecording).toBe(false);
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({ name: "once", durationMs: 0, status: { code: "ok" } });
    expect(spans[0]?.attributes).not.toHaveProperty("late");
  });

  it("gives the ids of the current span to a logger", () => {
    const { tracer } = scene();
    const lines: { traceId?: string; spanId?: string }[] = [];
    const logger = createLogger({
      service: "s",
      sinks: [{ write: (line) => void lines.push(line) }],
      span: () => tracer.current(),
    });
    logger.info("outside");
    const ids = tracer.inSpan("inside", (span) => {
      logger.info("inside");
      return { traceId: span.traceId, spanId: span.spanId };
    });
    expect(lines[0]).not.toHaveProperty("traceId");
    expect(lines[1]).toMatchObject(ids);
  });

  it("loses a span for the sink that throws, and for no other, outside of all spans", () => {
    const got: (string | undefined)[] = [];
    const tracer = createTracer({
      sinks: [
        {
          write: () => {
            throw new Error("broken");
          },
        },
        { write: () => void got.push(tracer.current()?.spanId) },
      ],
    });
    tracer.inSpan("outer", () => tracer.inSpan("work", () => undefined));
    expect(got).toEqual([undefined, undefined]);
    expect(tracer.metrics.failures).toBe(2);
  });

  it.each([
    [{ sinks: {} }, "tracer.sinks must be a list"],
    [{ sinks: [{}] }, "tracer.sinks[0] must have a function write"],
    [{ sampler: 1 }, "tracer.sampler must be a function"],
    [{ limits: { maxEvents: -1 } }, "tracer.limits.maxEvents must be an integer >= 0"],
    [{ limits: { events: 1 } }, "tracer.limits.events"],
    [{ name: "x" }, "tracer.name"],
  ])("refuses %o", (options, message) => {
    expect(() => createTracer(options as never)).toThrow(message);
  });
});

describe("samplers", () => {
  it("leave out what they do not take, and let the context go on", () => {
    const { spans, tracer } = scene({ sampler: neverSample });
    const ids = tracer.inSpan("outer", (outer) => {
      outer.fail(new Error("nobody sees it"));
      return tracer.inSpan("inner", (inner) => [outer.traceId, inner.traceId, inner.sampled, inner.isRecording]);
    });
    expect(ids).toEqual([ids[0], ids[0], false, false]);
    expect(spans).toEqual([]);
    expect(tracer.metrics).toMatchObject({ started: 0, unsampled: 2 });
  });

  it("take a share of traces by their ids, of which a higher ratio takes all and more", () => {
    const random = seededRandom(3);
    const traces = Array.from({ length: 4_000 }, () =>
      Array.from(random.bytes(16), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    );
    const taken = (ratio: number): Set<string> => {
      const sampler = sampleRatio(ratio);
      return new Set(traces.filter((traceId) => sampler({ traceId, parent: undefined, name: "", kind: "internal" })));
    };
    expect([taken(0).size, taken(1).size]).toEqual([0, 4_000]);
    const [tenth, half] = [taken(0.1), taken(0.5)];
    expect(tenth.size).toBeGreaterThan(340);
    expect(tenth.size).toBeLessThan(460);
    expect(half.size).toBeGreaterThan(1_850);
    expect(half.isSupersetOf(tenth)).toBe(true);
    expect(() => sampleRatio(1.1)).toThrow("sampleRatio.ratio must be a number >= 0 and <= 1");
  });

  it("follow the parent, whoever would decide for a root", () => {
    const sampler = sampleByParent({ root: neverSample });
    const asked = (parent: Parameters<Sampler>[0]["parent"]): boolean =>
      sampler({ traceId: remote.traceId, parent, name: "", kind: "server" });
    expect(asked(undefined)).toBe(false);
    expect(asked({ ...remote, sampled: true })).toBe(true);
    expect(asked({ ...remote, sampled: false })).toBe(false);
    expect(asked({ ...remote, isRemote: false, sampled: true })).toBe(true);
    const deaf = sampleByParent({ remoteSampled: neverSample });
    expect(deaf({ traceId: remote.traceId, parent: { ...remote, sampled: true }, name: "", kind: "server" })).toBe(
      false,
    );
  });

  it("that throw take nothing, and are counted", () => {
    const { spans, tracer } = scene({
      sampler: () => {
        throw new Error("broken");
      },
    });
    tracer.startSpan("x").end();
    expect([spans.length, tracer.metrics.failures]).toEqual([0, 1]);
  });
});
