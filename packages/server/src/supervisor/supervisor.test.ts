import { describe, expect, it } from "vitest";
import { planCluster } from "./cluster-plan.ts";
import type { MemberExit, MemberProcess } from "./member-process.ts";
import { superviseCluster, type Supervisor, type SupervisorEvent, type SupervisorOptions } from "./supervisor.ts";

const plan = planCluster({ nodes: 2, directory: "data", port: 2379 });
const more = { ...plan.members[0]!, name: "n3" };

interface Scene {
  readonly supervisor: Supervisor;
  readonly events: SupervisorEvent[];
  /** Names of those that were started, in order. */
  readonly started: string[];
  /** Ends the process of a member, which says this last. */
  readonly end: (name: string, lastWords: string) => Promise<void>;
}

/** Members that are ready at once, and run until they are ended. */
function scene(options: Partial<SupervisorOptions> = {}): Scene {
  const events: SupervisorEvent[] = [];
  const started: string[] = [];
  const exits = new Map<string, (exit: MemberExit) => void>();
  const exit = (lastWords: string): MemberExit => ({ code: 3, signal: null, lastWords, atMs: 0, ranMs: 60_000 });
  const supervisor = superviseCluster({
    plan,
    onEvent: (event) => events.push(event),
    launch({ name }): MemberProcess {
      started.push(name);
      const { promise: exited, resolve } = Promise.withResolvers<MemberExit>();
      exits.set(name, resolve);
      return {
        pid: started.length,
        ready: Promise.resolve(true),
        exited,
        signal: () => (resolve(exit("killed")), true),
      };
    },
    ...options,
  });
  return {
    supervisor,
    events,
    started,
    async end(name, lastWords) {
      exits.get(name)!(exit(lastWords));
      await new Promise(setImmediate);
    },
  };
}

describe("a supervisor", () => {
  it("starts nobody who must not run, and says why", async () => {
    const { supervisor, started, events, end } = scene({
      refuse: ({ name }) => (name === "n2" ? "its data is gone" : undefined),
    });
    await new Promise(setImmediate);
    expect([started, supervisor.member("n2").state, supervisor.member("n2").lost]).toEqual([
      ["n1"],
      "failed",
      "its data is gone",
    ]);
    expect(events[0]).toEqual({ member: "n2", kind: "lost", text: "is not started any more: its data is gone" });
    await end("n1", "");
    // Merely given up: what stopped it may be mended.
    expect(supervisor.member("n1")).toMatchObject({ state: "failed", lost: undefined });
    await supervisor.stop();
  });

  it("does not start again whoever was removed from the cluster", async () => {
    const { supervisor, started, end } = scene();
    await end("n1", "holdfast: n1 stopped by itself: this member was removed from its cluster for good");
    expect(supervisor.member("n1")).toMatchObject({ state: "failed", lost: "it was removed from its cluster" });
    expect(started).toEqual(["n1", "n2"]);
    await supervisor.stop();
  });

  it("takes in a member, and lets one go", async () => {
    const { supervisor, started, events } = scene();
    supervisor.add(more);
    expect(() => supervisor.add(more)).toThrow("there is a member n3");
    await supervisor.drop("n1");
    await new Promise(setImmediate);
    expect([started, supervisor.members().map((member) => member.plan.name)]).toEqual([
      ["n1", "n2", "n3"],
      ["n2", "n3"],
    ]);
    // It was asked to go: that is no death.
    expect(events.filter(({ kind }) => kind !== "alive")).toEqual([]);
    await supervisor.stop();
    expect(() => supervisor.add({ ...more, name: "n4" })).toThrow("being stopped");
  });
});
