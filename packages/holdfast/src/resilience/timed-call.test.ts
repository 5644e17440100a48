import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { bulkhead } from "./bulkhead.ts";
import { pipeline } from "./pipeline.ts";
import { timeout, type TimeoutMode } from "./timeout.ts";

const forever = (): Promise<never> => new Promise(() => undefined);

/** A limit of 100 ms inside a bulkhead, which shows for how long somebody waits for the limited call. */
function setup(mode: TimeoutMode) {
  const clock = new VirtualClock();
  const limit = timeout({ timeoutMs: 100, mode, clock });
  const places = bulkhead({ maxConcurrent: 1, clock });
  const controller = new AbortController();
  const policy = pipeline(places, limit);
  return { clock, limit, places, controller, policy };
}

describe("a call with a limit whose caller has left", () => {
  it("abandoning: lets go of who waits in between when its time is over, and is no timeout", async () => {
    const { clock, limit, places, controller, policy } = setup("abandoning");
    const running = policy.execute(forever, { signal: controller.signal });
    controller.abort("enough");
    await expect(running).rejects.toBe("enough");
    await clock.advance(99);
    expect(places.metrics.active).toBe(1);
    await clock.advance(3);
    expect(places.metrics.active).toBe(0);
    expect(limit.metrics).toEqual({ timedOut: 0, abandoned: 0 });
  });

  it("cooperative: is waited for until the operation has ended", async () => {
    const { clock, limit, places, controller, policy } = setup("cooperative");
    const running = policy.execute(() => clock.sleep(200), { signal: controller.signal });
    controller.abort("enough");
    await expect(running).rejects.toBe("enough");
    await clock.advance(199);
    expect(places.metrics.active).toBe(1);
    await clock.advance(1);
    expect(places.metrics.active).toBe(0);
    expect(limit.metrics).toEqual({ timedOut: 0, abandoned: 0 });
  });

  it.each(["abandoning", "cooperative"] as const)(
    "%s: has what comes after its time disposed, once, and a failure dropped",
    async (mode) => {
      for (const fails of [false, true]) {
        const { clock, limit, places, controller, policy } = setup(mode);
        let disposed = 0;
        const running = policy.execute(
          async () => {
            await clock.sleep(200);
            if (fails) throw new Error("late");
            return { [Symbol.dispose]: () => disposed++ };
          },
          { signal: controller.signal },
        );
        controller.abort("enough");
        await expect(running).rejects.toBe("enough");
        await clock.advance(300);
        expect(disposed).toBe(fails ? 0 : 1);
        expect(places.metrics.active).toBe(0);
        expect(limit.metrics).toEqual({ timedOut: 0, abandoned: 0 });
      }
    },
  );
});
