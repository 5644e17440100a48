import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import { createTracer, type FinishedSpan, type SinkTracer, type Tracer } from "../telemetry/index.ts";
import { createMember } from "./member.ts";
import { proposalSpans } from "./proposal-spans.ts";
import type { ReplicatedMember } from "./replicated-member.ts";

const hosts = ["a", "b", "c"];
const members = hosts.map((name) => ({ name, peer: { host: name, port: 2380 } }));
/** Whom the seed 5 makes the leader. */
const leaderOfSeed = "b";
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function startCluster(world: World, tracerOf: (name: string) => Tracer | undefined) {
  const processes = hosts.map((name) => world.process(name));
  const all = await Promise.all(
    processes.map((process, at) => {
      process.start(() => undefined);
      const name = hosts[at]!;
      const tracer = tracerOf(name);
      return createMember({
        runtime: process.runtime,
        name,
        directory: "/data",
        peer: { host: name, port: 2380 },
        cluster: { name: "test", members },
        clientUrls: [],
        httpUrls: [],
        ...(tracer === undefined ? {} : { tracer }),
      });
    }),
  );
  let leader: ReplicatedMember | undefined;
  while (leader === undefined) {
    await world.clock.sleep(50);
    leader = all.find((member) => member.status().role === "leader");
  }
  await world.clock.sleep(1_000);
  const follower = all.find((member) => member !== leader)!;
  return { all, processes, leader, follower };
}

describe("the span of a write", () => {
  it("tells when its entry was in the log, on disk, committed and applied", async () => {
    await simulate({ seed: 3 }, async (world) => {
      const spans: FinishedSpan[] = [];
      const tracer = createTracer({ clock: world.clock, sinks: [{ write: (span) => void spans.push(span) }] });
      const { all, processes, leader, follower } = await startCluster(world, () => tracer);
      const put = (member: ReplicatedMember, timeoutMs = 5_000): Promise<unknown> =>
        tracer.inSpan(member.name, () => member.put({ key: text("k"), value: text("v") }, { timeoutMs }));

      // The members write by themselves too: in traces of their own.
      const ofCallers = (): FinishedSpan[] => {
        const callers = new Set(spans.filter(({ name }) => hosts.includes(name)).map(({ traceId }) => traceId));
        return spans.splice(0).filter(({ traceId }) => callers.has(traceId));
      };

      await put(leader);
      const [proposal, caller] = ofCallers();
      expect(proposal).toMatchObject({
        name: "raft proposal",
        parentSpanId: caller?.spanId,
        status: { code: "unset" },
      });
      expect(proposal?.attributes["raft.index"]).toBe(leader.status().appliedIndex);
      const stages = proposal?.events.map(({ name }) => name) ?? [];
      expect(new Set(stages)).toEqual(new Set(["appended", "synced", "acknowledged", "committed", "applied"]));
      expect([stages[0], ...stages.slice(-2)]).toEqual(["appended", "committed", "applied"]);
      const acknowledged = proposal?.events.filter(({ name }) => name === "acknowledged") ?? [];
      expect(acknowledged.length).toBeGreaterThan(0);
      for (const { attributes } of acknowledged) {
        expect(hosts.filter((name) => name !== leader?.name)).toContain(attributes["raft.member"]);
      }
      const times = proposal?.events.map(({ at }) => at) ?? [];
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      expect(times.at(-1)).toBe((proposal?.startedAt ?? 0) + (proposal?.durationMs ?? 0));
      expect(times.at(-1)).toBeGreaterThan(times[0] ?? Infinity);

      await put(follower);
      // The leader's span ends when the leader has applied it, which may be before or after the follower has.
      await world.clock.sleep(100);
      const put2 = ofCallers();
      const [waiting, led] = [
        put2.find(({ kind, name }) => kind === "internal" && name === "raft proposal"),
        put2.find(({ kind }) => kind === "server"),
      ];
      expect(waiting?.events).toMatchObject([
        { name: "forwarded", attributes: { "raft.member": leader.name } },
        { name: "applied" },
      ]);
      expect(led).toMatchObject({
        name: "raft proposal",
        traceId: waiting?.traceId,
        parentSpanId: waiting?.spanId,
        isParentRemote: true,
        status: { code: "unset" },
        attributes: { "raft.forwarded_by": follower.name, "raft.index": leader.status().appliedIndex },
      });
      const led2 = led?.events.map(({ name }) => name) ?? [];
      expect([led2[0], ...led2.slice(-2)]).toEqual(["appended", "committed", "applied"]);
      expect(led?.startedAt).toBeGreaterThan(waiting?.startedAt ?? Infinity);
      expect(put2).toHaveLength(3);

      for (const [at, process] of processes.entries()) if (all[at] !== follower) process.crash();
      await expect(put(follower, 2_000)).rejects.toMatchObject({ code: "TIMED_OUT" });
      const [lost] = ofCallers();
      expect(lost).toMatchObject({ status: { code: "error" }, attributes: { "error.type": "TIMED_OUT" } });
      expect(lost?.events.map(({ name }) => name)).toContain("proposed again");
      await follower.close();
      expect(tracer.metrics.ended).toBe(tracer.metrics.started);
    });
  });

  it("ends at a leader whose log it is lost from, and goes on at the next", async () => {
    await simulate({ seed: 5 }, async (world) => {
      const spans = new Map<string, FinishedSpan[]>();
      const tracers = new Map<string, SinkTracer>();
      const { leader, follower } = await startCluster(world, (name) => {
        const ended: FinishedSpan[] = [];
        const tracer = createTracer({ clock: world.clock, sinks: [{ write: (span) => void ended.push(span) }] });
        spans.set(name, ended);
        tracers.set(name, tracer);
        return tracer;
      });
      await follower.put({ key: text("k"), value: text("before") });
      // It hears its followers, and they do not hear it.
      const heal = world.network.isolate(leader.name, "out");
      const tracer = tracers.get(follower.name)!;
      await tracer.inSpan("request", () => follower.put({ key: text("k"), value: text("v") }, { timeoutMs: 20_000 }));
      heal();
      await world.clock.sleep(5_000);
      const [request] = spans.get(follower.name)?.filter(({ name }) => name === "request") ?? [];
      const ofTrace = (name: string): FinishedSpan[] =>
        spans.get(name)?.filter(({ traceId, kind }) => traceId === request?.traceId && kind === "server") ?? [];
      // What comes when it leads no more, it does not take.
      const lost = ofTrace(leader.name).filter(({ status }) => status.code === "error" && status.message !== "dropped");
      expect(lost.length).toBeGreaterThan(0);
      for (const span of lost) {
        expect(span.status).toMatchObject({ code: "error", message: "lost" });
        expect(span.events.map(({ name }) => name)).toEqual(["appended", "synced", "lost"]);
      }
      const own = spans.get(follower.name)?.find(({ name, kind, traceId }) => {
        return name === "raft proposal" && kind === "internal" && traceId === request?.traceId;
      });
      expect(own?.status.code).toBe("unset");
      expect(own?.events.map(({ name }) => name)).toContain("proposed again");
      for (const each of tracers.values()) expect(each.metrics.ended).toBe(each.metrics.started);
      expect(world.faults["isolation"]).toBe(1);
    });
  });

  it("is not sent to a leader that would make nothing of it, nor when nobody records it", async () => {
    for (const traced of ["all but the leader", "the leader alone", "all, with a trace that is not sampled"]) {
      await simulate({ seed: 5 }, async (world) => {
        const spans: FinishedSpan[] = [];
        const sinks = [{ write: (span: FinishedSpan) => void spans.push(span) }];
        const tracer = createTracer({ clock: world.clock, sinks });
        // The seed's leader is known once the cluster runs: it is the same with every choice of tracers.
        const leads = (name: string): boolean => name === leaderOfSeed;
        const chosen = (name: string): boolean =>
          traced === "all but the leader" ? !leads(name) : traced === "the leader alone" ? leads(name) : true;
        const { leader, follower } = await startCluster(world, (name) => (chosen(name) ? tracer : undefined));
        expect(leader.name).toBe(leaderOfSeed);
        spans.length = 0;
        const parent = {
          traceId: "1".repeat(32),
          spanId: "2".repeat(16),
          sampled: traced !== "all, with a trace that is not sampled",
          isRemote: true,
        };
        await tracer.inSpan("request", () => follower.put({ key: text("k"), value: text("v") }), { parent });
        await world.clock.sleep(100);
        expect(spans.filter(({ kind }) => kind === "server")).toEqual([]);
        const proposals = spans.filter(({ name }) => name === "raft proposal");
        expect(proposals).toHaveLength(traced === "all but the leader" ? 1 : 0);
      });
    }
  });
});

describe("the span of a write that a follower has forwarded", () => {
  const note = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
  function leading() {
    let now = 0;
    const ended: FinishedSpan[] = [];
    const tracer = createTracer({ sinks: [{ write: (span) => void ended.push(span) }] });
    const spans = proposalSpans({ tracer, now: () => now, nameOf: String });
    return { ended, spans, tracer, pass: (ms: number) => spans.tick((now += ms)) };
  }

  it("ends when nothing comes of it, in the order of arrival, and when the member stops", () => {
    const { ended, spans, pass } = leading();
    const [first, second, third] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
    spans.onNote(first, note, 7);
    pass(20_000);
    spans.onNote(second, `${note} vendor=a`, 7);
    pass(9_999);
    expect(ended).toEqual([]);
    pass(1);
    expect(ended).toMatchObject([{ status: { code: "error", message: "not applied within 30000 ms" } }]);
    expect([first, second].map((command) => spans.follows(command))).toEqual([false, true]);
    spans.onStage(second, "applied", 9, 0);
    expect(ended[1]).toMatchObject({ status: { code: "unset" }, traceState: "vendor=a" });
    spans.onNote(third, note, 7);
    spans.close(new Error("stopped"));
    expect(ended[2]).toMatchObject({ status: { code: "error", message: "stopped" } });
    pass(60_000);
    expect(ended).toHaveLength(3);
  });

  it.each(["", "nonsense", `00-${"0".repeat(32)}-${"2".repeat(16)}-01`, note.replace(/01$/, "00")])(
    "is none for the note %j",
    (given) => {
      const { spans, tracer } = leading();
      const command = Uint8Array.of(1);
      spans.onNote(command, given, 7);
      expect(spans.follows(command)).toBe(false);
      spans.onStage(command, "appended", 1, 0);
      expect(tracer.metrics.started).toBe(0);
    },
  );
});
