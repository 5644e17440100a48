import { configurationOf } from "holdfast/consensus";
import type { Member } from "holdfast/coordination";
import { VirtualClock } from "holdfast/testing";
import type { TelemetryEvent } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { createNodeTelemetry, type NodeTelemetry } from "./node-telemetry.ts";

const clock = new VirtualClock();
const urls = { peerUrls: [], clientUrls: [], httpUrls: [] };

/** As a class does: its methods need their object. */
class Known implements Pick<Member, "members"> {
  readonly #members = [{ id: 255n, name: "n2", ...urls }];
  members(): ReturnType<Member["members"]> {
    return this.#members;
  }
}

function node(): { readonly node: NodeTelemetry; readonly recorded: () => readonly TelemetryEvent[] } {
  const made = createNodeTelemetry({ clock, nodeId: "n1", quotaBytes: 1_000 });
  return { node: made, recorded: () => made.recorder.since(0).events };
}

const request = { type: "request", method: "/m", transport: "grpc", durationMs: 1.5 } as const;

describe("the telemetry of a node", () => {
  it("names the leader, also of facts that came before the names were known", () => {
    const { node: telemetry, recorded } = node();
    telemetry.onFact({ type: "leaderChanged", leader: 255, term: 2 });
    telemetry.onFact({ type: "roleChanged", role: "follower", term: 2 });
    expect(recorded()).toEqual([]);
    telemetry.setMember(new Known());
    telemetry.onFact({ type: "leaderChanged", leader: 0, term: 3 });
    telemetry.onFact({ type: "leaderChanged", leader: 171, term: 4 });
    telemetry.onFact({ type: "logTruncated", from: 7, to: 9 });
    const stamp = { at: clock.wallTime(), nodeId: "n1" };
    expect(recorded()).toEqual([
      { ...stamp, seq: 1, type: "leaderChanged", leader: "n2", term: 2 },
      { ...stamp, seq: 2, type: "roleChanged", role: "follower", term: 2 },
      { ...stamp, seq: 3, type: "leaderChanged", leader: null, term: 3 },
      { ...stamp, seq: 4, type: "leaderChanged", leader: "ab", term: 4 },
      { ...stamp, seq: 5, type: "logTruncated", from: 7, to: 9 },
    ]);
  });

  it("names the members of a configuration, and tells those by their id that have told no name", () => {
    const { node: telemetry, recorded } = node();
    telemetry.setMember(new Known());
    const configuration = { ...configurationOf([255, 256]), votersOutgoing: [255], learners: [171] };
    telemetry.onFact({ type: "configurationChanged", index: 9, configuration, committed: false });
    telemetry.onFact({
      type: "configurationChanged",
      index: 9,
      configuration: configurationOf([255]),
      committed: true,
    });
    const told = { type: "configurationChanged", index: 9 };
    expect(recorded()).toMatchObject([
      { ...told, voters: ["n2", "100"], outgoing: ["n2"], learners: ["ab"], committed: false },
      { ...told, voters: ["n2"], outgoing: [], learners: [], committed: true },
    ]);
  });

  it("keeps no requests, and makes events of them only for whoever listens", () => {
    const { node: telemetry, recorded } = node();
    telemetry.onServeEvent({ ...request, code: 0 });
    expect(telemetry.telemetry.metrics.published).toBe(0);
    const told: TelemetryEvent[] = [];
    telemetry.telemetry.subscribe((event) => told.push(event), { types: ["request"] });
    telemetry.onServeEvent({ ...request, code: 0 });
    telemetry.onServeEvent({ ...request, code: 14, error: new Error("server stopped") });
    telemetry.onServeEvent({ type: "acceptFailed", error: new Error("EMFILE") });
    expect(told).toMatchObject([
      { ...request, code: 0, error: null },
      { ...request, code: 14, error: "server stopped" },
    ]);
    expect(recorded()).toEqual([]);
  });
});
