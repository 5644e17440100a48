import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { pipeline } from "./pipeline.ts";
import { policyOf } from "./stage.ts";
import { broken, fail, make, pending, rejection, succeed } from "./testing/breaker-trials.ts";

describe("the probes of a circuit breaker", () => {
  it("pitfall 3: are not taken by a call that was given up on the way to it", async () => {
    const { breaker, clock } = make();
    await fail(breaker, 3);
    await clock.advance(1000);
    const controller = new AbortController();
    const giveUp = policyOf<never>({
      run: (call, next) => {
        controller.abort("enough");
        return next(call);
      },
    });
    let calls = 0;
    const result = pipeline(giveUp, breaker).execute(() => calls++, { signal: controller.signal });
    await expect(result).rejects.toBe("enough");
    expect([calls, breaker.state]).toEqual([0, "halfOpen"]);
    expect(breaker.metrics.totals.ignored).toBe(0);
    await succeed(breaker);
    expect(breaker.state).toBe("closed");
  });

  it("pitfall 2: results of calls from before an opening neither close nor open", async () => {
    const { breaker, clock } = make();
    const calls = [pending(), pending()] as const;
    const [failing, succeeding] = calls.map(({ operation }) => breaker.execute(operation));
    await fail(breaker, 3);
    await clock.advance(1000);
    const probe = pending();
    const probing = breaker.execute(probe.operation);
    calls[0].reject(broken);
    calls[1].resolve();
    await expect(failing).rejects.toBe(broken);
    await expect(succeeding).resolves.toBe("late");
    expect(breaker.state).toBe("halfOpen");
    expect((await rejection(breaker)).state).toBe("halfOpen");
    probe.resolve();
    await probing;
    expect(breaker.state).toBe("closed");
    expect(breaker.metrics.totals.late).toBe(2);
  });

  it.each(["open", "closed"] as const)(
    "pitfall 3: a probe that never ends makes it %s after maxMs",
    async (afterMaxMs) => {
      const { breaker, clock } = make({ halfOpen: { probes: 1, maxMs: 500, afterMaxMs } });
      await fail(breaker, 3);
      await clock.advance(1000);
      void breaker.execute(() => new Promise(() => undefined));
      await clock.advance(499);
      expect(breaker.state).toBe("halfOpen");
      await clock.advance(1);
      expect(breaker.state).toBe(afterMaxMs);
    },
  );

  it("pitfall 3, 4: a probe that is ignored returns its permit", async () => {
    const { breaker, clock } = make({ ignore: (error) => error === "ignored" });
    await fail(breaker, 3);
    await clock.advance(1000);
    await fail(breaker, 5, "ignored");
    expect(breaker.state).toBe("halfOpen");
    await succeed(breaker);
    expect(breaker.state).toBe("closed");
    expect(breaker.metrics.totals.ignored).toBe(5);
  });

  it("pitfall 4: a probe that the caller gives up returns its permit at once, also when it never ends", async () => {
    const { breaker, clock } = make();
    await fail(breaker, 3);
    await clock.advance(1000);
    const controller = new AbortController();
    const probe = pending();
    const given = breaker.execute(probe.operation, { signal: controller.signal });
    expect((await rejection(breaker)).state).toBe("halfOpen");
    controller.abort(new Error("stop"));
    await expect(given).rejects.toThrow("stop");
    expect(breaker.metrics).toMatchObject({ state: "halfOpen", probing: 0 });
    await succeed(breaker);
    expect(breaker.state).toBe("closed");
    probe.reject(broken);
    await clock.advance(0);
    expect(breaker.metrics.totals).toMatchObject({ failures: 3, successes: 1, ignored: 1 });
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("leaves no listener on a signal that lives longer than its probes", async () => {
    const { breaker, clock } = make({ halfOpen: { probes: 2 } });
    await fail(breaker, 3);
    await clock.advance(1000);
    const { signal } = new AbortController();
    await breaker.execute(() => 1, { signal });
    await expect(breaker.execute(() => Promise.reject(broken), { signal })).rejects.toBe(broken);
    expect(breaker.state).toBe("open");
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("pitfall 5: rejects whom it cannot probe with, and queues nobody", async () => {
    const { breaker, clock } = make({ halfOpen: { probes: 4 } });
    await fail(breaker, 3);
    await clock.advance(1000);
    let running = 0;
    const gate = pending();
    const crowd = Array.from({ length: 50 }, () =>
      breaker.execute(() => {
        running++;
        return gate.operation();
      }),
    );
    expect(running).toBe(4);
    gate.resolve();
    const ends = await Promise.allSettled(crowd);
    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(4);
    expect(running).toBe(4);
    expect(breaker.state).toBe("closed");
  });
});
