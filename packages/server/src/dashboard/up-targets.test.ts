import { faultRegistry, type FaultParameters, type LiveTarget } from "holdfast/proof";
import { VirtualClock } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import type { PeerRoutes } from "../supervisor/peer-routes.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { memberTargets } from "./up-targets.ts";

/** What the page says of two members, whose processes and ways nobody strikes here. */
const desk = memberTargets({
  registry: faultRegistry({ clock: new VirtualClock() }),
  supervisor: { members: () => ["n1", "n2"].map((name) => ({ plan: { name } })) } as unknown as Supervisor,
  routes: { targetOf: ({ name }) => ({ name: `peers-${name}`, kinds: [] }) as unknown as LiveTarget } as PeerRoutes,
}).desk();

function isOutage(target: string, kind: string, parameters: FaultParameters): boolean {
  const { kinds } = desk.find(({ name }) => name === target)!;
  const { isOutage: outage } = kinds.find((one) => one.kind === kind)!;
  return typeof outage === "boolean" ? outage : outage(parameters);
}

describe("what takes a member out of service", () => {
  it.each([
    ["partition", {}, true],
    ["cannotSend", {}, true],
    ["cannotHear", {}, true],
    ["delay", { delayMs: 100, jitterMs: 20 }, false],
    ["delay", { delayMs: 400, jitterMs: 100 }, true],
    ["delay", { delayMs: 10_000, jitterMs: 0 }, true],
    ["loss", { share: 0.1 }, false],
    ["loss", { share: 1 }, true],
    ["bandwidth", { bytesPerSecond: 10_000 }, false],
    ["bandwidth", { bytesPerSecond: 1 }, true],
  ])("on its ways: %s with %j is %s", (kind, parameters, expected) => {
    expect(isOutage("peers-n1", kind, parameters)).toBe(expected);
  });

  it.each([
    ["pause", {}, true],
    ["crash", {}, true],
    ["slow", { share: 0.5, everyMs: 100 }, false],
    ["slow", { share: 1, everyMs: 100 }, true],
    ["slow", { share: 0.5, everyMs: 60_000 }, true],
  ])("of its process: %s with %j is %s", (kind, parameters, expected) => {
    expect(isOutage("member-n1", kind, parameters)).toBe(expected);
  });
});
