import { describe, expect, it } from "vitest";
import type { FaultModel } from "../proof/index.ts";
import { simulate, type Runtime } from "../runtime/index.ts";
import { checkProperty } from "./check-property.ts";
import { keyValueClient, keyValueService, type KeyValueClient } from "./key-value-service.ts";
import { describeProperty } from "./property-report.ts";
import { queueClient, queueService, type QueueClient } from "./queue-service.ts";
import { simulatedFetch, type SimulatedFetch } from "./simulated-fetch.ts";
import { abortAfter } from "./timers.ts";

const faults: readonly FaultModel[] = [
  { type: "crash", targets: "one", probability: 0.4, perMs: 500, durationMs: [20, 300] },
  { type: "partition", targets: "one", probability: 0.2, perMs: 500, durationMs: [20, 300] },
  { type: "reset", targets: "one", probability: 0.2, perMs: 300, durationMs: 0 },
];

/** Gives up early, as a machine without power does not answer at all. */
function impatientFetch(runtime: Runtime): SimulatedFetch {
  const fetch = simulatedFetch(runtime);
  return (input, init) => fetch(input, { ...init, signal: abortAfter(runtime.clock, 150) });
}

/** Calls again until there is an answer; what happened meanwhile may have happened several times. */
async function until<Value>({ clock }: Runtime, call: () => Promise<Value>): Promise<Value> {
  for (;;) {
    try {
      return await call();
    } catch {
      await clock.sleep(20);
    }
  }
}

const marks = { point: () => undefined, rarely: () => false, sometimes: () => undefined };

/** Runs one call after the other in a world without faults. */
async function inWorld<Value>(
  main: ReturnType<typeof keyValueService>,
  use: (runtime: Runtime) => Promise<Value>,
): Promise<Value> {
  const { value } = await simulate({ seed: 1 }, (world) => {
    world.process("dependency").start((runtime) => main(runtime, marks));
    return new Promise<Value>((resolve) => {
      world.process("client").start(async (runtime) => {
        await runtime.clock.sleep(10);
        resolve(await use(runtime));
      });
    });
  });
  return value;
}

describe("keyValueService", () => {
  it("puts, gets, deletes, and changes what is as expected", async () => {
    await inWorld(keyValueService(), async (runtime) => {
      const values: KeyValueClient = keyValueClient(simulatedFetch(runtime), "http://dependency");
      expect(await values.get("a/b")).toBeUndefined();
      expect(await values.put("a/b", { cents: 5 }, { ifVersion: 0 })).toBe(1);
      expect(await values.put("a/b", 6, { ifVersion: 0 })).toBeUndefined();
      expect(await values.put("a/b", 7, { ifVersion: 1 })).toBe(2);
      expect(await values.get("a/b")).toEqual({ value: 7, version: 2 });
      expect(await values.delete("a/b", { ifVersion: 1 })).toBeUndefined();
      expect(await values.delete("a/b")).toBe(3);
      expect(await values.get("a/b")).toBeUndefined();
      expect(await values.put("a/b", null, { ifVersion: 0 })).toBe(4);
    });
  });

  it("keeps what it has answered, whatever happens", async () => {
    const report = await checkProperty({
      name: "values are kept",
      seeds: 8,
      faults,
      faultLengthMs: 3_000,
      sometimes: ["a call failed"],
      async run(world, context) {
        context.service("store", keyValueService({ flaky: true }));
        const working = context.client("client", async (runtime) => {
          const values = keyValueClient(impatientFetch(runtime), "http://store");
          let version = 0;
          for (let count = 1; count <= 40; count++) {
            await until(runtime, async () => {
              const before = await values.get("count");
              const behind = before === undefined ? count > 1 : (before.value as number) < count - 1;
              if (behind) context.check("nothing is lost", false, `${JSON.stringify(before)} after ${count - 1}`);
              if (before?.value === count) return;
              try {
                await values.put("count", count, { ifVersion: before?.version ?? 0 });
              } catch (error) {
                context.sometimes("a call failed");
                throw error;
              }
            });
            const { version: next } = (await until(runtime, () => values.get("count")))!;
            context.check("versions rise", next > version);
            version = next;
            await runtime.clock.sleep(50);
          }
        });
        await context.injectFaults().finished;
        await working;
        await world.clock.sleep(100);
      },
    });
    expect(describeProperty(report)).toMatch(/holds in 8 seeds/);
    expect(report.struck.crash).toBeGreaterThan(10);
    expect(report.faultsHappened["rare-path"]).toBeGreaterThan(10);
  });
});

describe("queueService", () => {
  it("hands out what is not confirmed, again after a while", async () => {
    await inWorld(queueService({ visibleAfterMs: 100 }), async (runtime) => {
      const queue: QueueClient = queueClient(simulatedFetch(runtime), "http://dependency");
      expect(await queue.receive()).toBeUndefined();
      const id = await queue.send("first");
      await queue.send("second");
      expect(await queue.receive()).toEqual({ id, body: "first", deliveries: 1 });
      expect(await queue.receive()).toMatchObject({ body: "second" });
      expect(await queue.receive()).toBeUndefined();
      await runtime.clock.sleep(200);
      expect(await queue.receive()).toEqual({ id, body: "first", deliveries: 2 });
      await queue.confirm(id);
      await runtime.clock.sleep(200);
      expect(await queue.receive()).toMatchObject({ body: "second", deliveries: 2 });
    });
  });

  it("loses nothing it has accepted, and brings nothing back that was confirmed", async () => {
    const report = await checkProperty({
      name: "messages arrive",
      seeds: 8,
      faults,
      faultLengthMs: 3_000,
      sometimes: ["a message is handed out again"],
      async run(_, context) {
        context.service("queue", queueService({ visibleAfterMs: 200, flaky: true }));
        const seen = new Set<unknown>();
        const confirmed = new Set<number>();
        const sending = context.client("sender", async (runtime) => {
          const queue = queueClient(impatientFetch(runtime), "http://queue");
          for (let at = 0; at < 30; at++) {
            await until(runtime, () => queue.send(at));
            await runtime.clock.sleep(50);
          }
        });
        const receiving = ["one", "two"].map((name) =>
          context.client(name, async (runtime) => {
            const queue = queueClient(impatientFetch(runtime), "http://queue");
            while (seen.size < 30) {
              const before = new Set(confirmed);
              const message = await until(runtime, () => queue.receive());
              if (message === undefined) {
                await runtime.clock.sleep(50);
                continue;
              }
              context.check("confirmed messages stay away", !before.has(message.id), String(message.id));
              seen.add(message.body);
              await until(runtime, () => queue.confirm(message.id));
              confirmed.add(message.id);
            }
          }),
        );
        await context.injectFaults().finished;
        await Promise.all([sending, ...receiving]);
      },
    });
    expect(describeProperty(report)).toMatch(/holds in 8 seeds/);
    expect(report.marks["a message is handed out again"]).toBeGreaterThan(0);
  });
});
