import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DegradationMode } from "../../resilience/index.ts";
import type { DegradationFact } from "../../telemetry/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { createDegradationManager } from "./degradation-manager.ts";
import { severity } from "./service-mode.ts";

const holdMs = 30_000;
const names = ["a", "b", "c", "d"] as const;
const name = fc.constantFrom(...names);
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("calls" as const), name, failures: fc.nat({ max: 20 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 40_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("down" as const), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("up" as const), name }) },
);

describe("modes and features, whatever happens", () => {
  it("never flap within the hold, and features go and come in order", async () => {
    const seen = { improved: 0, worsened: 0, shed: 0, restored: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 20, maxLength: 60 }), async (acts) => {
        const clock = new VirtualClock();
        const events: (DegradationFact & { readonly at: number })[] = [];
        const features = (service: string): { name: string; priority: number }[] =>
          [1, 3, 4, 7, 9].map((priority) => ({ name: `${service}${priority}`, priority }));
        await using manager = createDegradationManager({
          services: {
            a: { features: features("a") },
            b: { dependsOn: ["a"], features: features("b") },
            c: { dependsOn: ["b", { service: "d", optional: true }] },
            d: {},
          },
          features: features("all"),
          holdMs,
          clock,
          onEvent: (event) => events.push({ ...event, at: clock.now() }),
        });
        for (const each of acts) {
          if (each.do === "calls") {
            for (let n = 0; n < 20; n++) manager.service(each.name).record(n < each.failures);
          } else if (each.do === "down") manager.service(each.name).markDown("so");
          else if (each.do === "up") manager.service(each.name).markUp();
          else await clock.advance(each.ms);
          expectConsistent(manager.snapshot().services);
        }
        const changes = new Map<string, { readonly at: number; readonly to: DegradationMode }>();
        const levels = new Map<string, { readonly at: number; readonly priority: number }>();
        for (const event of events) {
          if (event.type === "serviceModeChanged" || event.type === "overallModeChanged") {
            const of = event.type === "serviceModeChanged" ? event.service : "overall";
            const last = changes.get(of);
            expect(event.from).toBe(last?.to ?? "normal");
            if (severity(event.to) < severity(event.from)) {
              seen.improved++;
              expect(severity(event.from) - severity(event.to)).toBe(1);
              expect(event.at - (last?.at ?? 0)).toBeGreaterThanOrEqual(holdMs);
            } else seen.worsened++;
            changes.set(of, event);
          } else {
            const of = event.service ?? "all";
            const last = levels.get(of);
            if (event.type === "featureShed") seen.shed++;
            else {
              seen.restored++;
              // Those of one level together, others not before the hold is over.
              if (last?.priority !== event.priority || last.at !== event.at) {
                expect(event.at - (last?.at ?? 0)).toBeGreaterThanOrEqual(holdMs);
              }
            }
            levels.set(of, event);
          }
        }
        for (const of of ["a", "b", "all"]) {
          const states = [1, 3, 4, 7, 9].map((priority) => manager.allows(`${of}${priority}`));
          // Nothing is off that matters more than something that is on.
          expect(states).toEqual(states.toSorted((one, other) => Number(one) - Number(other)));
          expect(states.at(-1)).toBe(true);
        }
      }),
      { numRuns: 100, seed: 4 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });
});

/** What needs something is never better off than that, until its own hold lets it be. */
function expectConsistent(services: Readonly<Record<string, { readonly mode: DegradationMode }>>): void {
  const at = (service: string): number => severity(services[service]?.mode ?? "normal");
  expect(at("b")).toBeGreaterThanOrEqual(at("a"));
  expect(at("c")).toBeGreaterThanOrEqual(at("b"));
}
