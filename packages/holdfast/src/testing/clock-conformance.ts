import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { getEventListeners } from "node:events";
import { declareTests, type RuntimeSuite } from "./conformance-suite.ts";

export function clockConformance(suite: RuntimeSuite): void {
  declareTests(suite, "clock", {
    async "timers fire in the order of their time, then of their setting"({ clock }) {
      const fired: string[] = [];
      clock.setTimer(20, () => fired.push("late"));
      clock.setTimer(5, () => fired.push("first"));
      clock.setTimer(5, () => fired.push("second"));
      await clock.sleep(40);
      deepEqual(fired, ["first", "second", "late"]);
    },
    async "timers are not early"({ clock }) {
      const start = clock.now();
      await clock.sleep(12.5);
      ok(clock.now() - start >= 11.5, `slept ${clock.now() - start} ms of 12.5`);
    },
    async "a cancelled timer never fires, and cancelling twice is fine"({ clock }) {
      let fired = false;
      const timer = clock.setTimer(3, () => {
        fired = true;
      });
      timer.cancel();
      timer.cancel();
      await clock.sleep(10);
      equal(fired, false);
    },
    async "what is deferred runs in a later turn, after all microtasks, in order"({ clock }) {
      const ran: string[] = [];
      await new Promise<void>((resolve) => {
        clock.defer(() => ran.push("deferred"));
        clock.defer(resolve);
        void Promise.resolve().then(() => Promise.resolve().then(() => ran.push("microtask")));
        ran.push("now");
      });
      deepEqual(ran, ["now", "microtask", "deferred"]);
    },
    async "an abort ends a sleep at once, with the signal's reason"({ clock }) {
      const controller = new AbortController();
      const reason = new Error("enough");
      const start = clock.now();
      clock.setTimer(5, () => controller.abort(reason));
      await rejects(clock.sleep(60_000, { signal: controller.signal }), (error) => error === reason);
      ok(clock.now() - start < 30_000);
      await rejects(clock.sleep(60_000, { signal: controller.signal }), (error) => error === reason);
    },
    async "a sleep leaves no listener on its signal"({ clock }) {
      const { signal } = new AbortController();
      await clock.sleep(1, { signal });
      equal(getEventListeners(signal, "abort").length, 0);
    },
    async "a loop of sleeps of no length lets time pass"({ clock }) {
      const start = clock.now();
      let turns = 0;
      while (clock.now() - start < 5) {
        await clock.sleep(0);
        turns++;
      }
      ok(turns >= 1 && turns <= 10, `${turns} turns in 5 ms`);
    },
    async "the wall clock counts milliseconds since 1970"({ clock }) {
      const before = clock.wallTime();
      ok(before > 1_600_000_000_000);
      await clock.sleep(5);
      ok(clock.wallTime() > before);
    },
  });
}
