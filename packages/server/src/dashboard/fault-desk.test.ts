import { faultRegistry, type FaultRegistry, type LiveTarget } from "holdfast/proof";
import { InvalidArgumentError } from "holdfast/errors/base";
import type { ClusterView } from "holdfast/telemetry";
import { VirtualClock } from "holdfast/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { faultDesk, type DeskTarget, type FaultDesk } from "./fault-desk.ts";
import { mergeCluster } from "./merge-cluster.ts";

const names = ["n1", "n2", "n3"] as const;
const struck = new Set<string>();

function target(name: string): LiveTarget {
  return {
    name: `member-${name}`,
    kinds: ["pause", "slow"],
    optedIn: () => true,
    check: (kind, parameters) => {
      if (kind === "pause" && Object.keys(parameters).length > 0) {
        throw new InvalidArgumentError("parameters", "must be none", parameters);
      }
      return parameters;
    },
    inject: ({ id }) => void struck.add(id),
    remove: ({ id }) => void struck.delete(id),
    struck: (id) => (struck.has(id) ? 1 : 0),
  };
}

const deskTargets = names.map((name): DeskTarget => ({
  name: `member-${name}`,
  label: `member ${name}`,
  members: [name],
  kinds: [
    { kind: "pause", label: "Pause", isOutage: true, parameters: [] },
    { kind: "slow", label: "Slow down", isOutage: ({ share }) => share === 1, parameters: [] },
  ],
}));

/** Three voters, some of which answer. */
function clusterOf(answering: readonly string[]): ClusterView {
  const known = names.map((name) => ({ name, clientUrl: null, httpUrl: null }));
  const empty = mergeCluster({
    at: 0,
    nowMs: 0,
    servedBy: "up",
    presences: new Map(),
    known,
    commitsPerSecond: null,
  });
  const members = empty.members.map((member) =>
    answering.includes(member.name) ? { ...member, liveness: "answers" as const } : member,
  );
  return { ...empty, members };
}

let clock: VirtualClock;
let registry: FaultRegistry;
let desk: FaultDesk;
let answering: readonly string[];
let changes: number;

beforeEach(() => {
  clock = new VirtualClock();
  answering = names;
  changes = 0;
  registry = faultRegistry({ clock, targets: names.map(target) });
  desk = faultDesk({ registry, targets: () => deskTargets, cluster: async () => clusterOf(answering) });
  desk.onChange(() => changes++);
});

afterEach(async () => {
  await registry.close();
  struck.clear();
});

const pause = (name: string, more: object = {}) =>
  desk.inject({ target: `member-${name}`, kind: "pause", durationMs: 1_000, ...more });

describe("faults ordered from the dashboard", () => {
  it("begin, are shown, and end by themselves", async () => {
    const fault = await pause("n1");
    expect(fault).toMatchObject({ target: "member-n1", kind: "pause", struck: 1, parameters: {} });
    expect(fault.endsAt - fault.injectedAt).toBe(1_000);
    expect(desk.faults()).toEqual([fault]);
    await clock.advance(1_001);
    expect(desk.faults()).toEqual([]);
    expect(struck.size).toBe(0);
    expect(changes).toBe(2);
  });

  it("are refused where the majority would be gone, unless they are forced", async () => {
    await pause("n1");
    await expect(pause("n2")).rejects.toMatchObject({
      status: 409,
      message: "n2 out of service leaves 1 of the 2 voters that a majority needs; force it to do so all the same",
    });
    expect([...struck]).toHaveLength(1);
    // One that takes nothing away, and the same member again, are no harm.
    await desk.inject({ target: "member-n2", kind: "slow", durationMs: 1_000 });
    await pause("n1");
    await pause("n2", { force: true });
    expect([...struck]).toHaveLength(4);
    expect(await desk.heal()).toEqual({ removed: 4, stuck: 0 });
    expect(struck.size).toBe(0);
  });

  it("are refused one by one, though they come at once", async () => {
    const outcomes = await Promise.allSettled([pause("n1"), pause("n2"), pause("n3")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    expect([...struck]).toHaveLength(1);
  });

  it("are refused where what they ask for amounts to an outage", async () => {
    await pause("n1");
    const slow = (share: number) =>
      desk.inject({ target: "member-n2", kind: "slow", parameters: { share }, durationMs: 1_000 });
    await expect(slow(1)).rejects.toMatchObject({ status: 409 });
    await slow(0.5);
    await desk.heal();
    await slow(1);
    await expect(pause("n1")).rejects.toMatchObject({ status: 409 });
  });

  it("count who does not answer anyway", async () => {
    answering = ["n1", "n2"];
    await expect(pause("n1")).rejects.toMatchObject({ status: 409 });
    await pause("n3");
  });

  it.each([
    [null, 400, "the body must be an object"],
    [{ target: 1, kind: "pause", durationMs: 1 }, 400, "target must be text"],
    [{ target: "member-n1", kind: "pause", durationMs: 1, force: "yes" }, 400, "force must be true or false"],
    [{ target: "nobody", kind: "pause", durationMs: 1 }, 404, "is no target of faults"],
    [{ target: "__proto__", kind: "pause", durationMs: 1 }, 404, "is no target of faults"],
    [{ target: "member-n1", kind: "melt", durationMs: 1 }, 403, "has not agreed to faults"],
    [{ target: "member-n1", kind: "constructor", durationMs: 1 }, 403, "has not agreed to faults"],
    [{ target: "member-n1", kind: "slow", durationMs: 1, parameters: "all" }, 400, "parameters"],
    [{ target: "member-n1", kind: "pause" }, 400, "fault.durationMs"],
    [{ target: "member-n1", kind: "pause", durationMs: 1e9 }, 400, "fault.durationMs"],
    [{ target: "member-n1", kind: "pause", durationMs: 1, parameters: { a: 1 } }, 400, "parameters must be none"],
    [{ target: "member-n1", kind: "pause", durationMs: 1, more: 1 }, 400, "more"],
  ])("refuse %j", async (request, status, message) => {
    await expect(desk.inject(request)).rejects.toMatchObject({ status, message: expect.stringContaining(message) });
    expect(struck.size).toBe(0);
  });

  it("cannot be ended twice", async () => {
    const { id } = await pause("n1");
    expect(await desk.remove(id)).toMatchObject({ id });
    await expect(desk.remove(id)).rejects.toMatchObject({ status: 404 });
  });

  it("say what can be struck, and nothing that only the server needs", () => {
    expect(desk.targets()[0]).toEqual({
      name: "member-n1",
      label: "member n1",
      members: ["n1"],
      kinds: [
        { kind: "pause", label: "Pause", parameters: [] },
        { kind: "slow", label: "Slow down", parameters: [] },
      ],
    });
  });
});
