import { describe, expect, it } from "vitest";
import { simulate } from "../runtime/index.ts";
import { createTracer, type FinishedSpan } from "../telemetry/index.ts";
import { createMember } from "./member.ts";
import type { ReplicatedMember } from "./replicated-member.ts";

const hosts = ["a", "b", "c"];
const members = hosts.map((name) => ({ name, peer: { host: name, port: 2380 } }));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("the span of a write", () => {
  it("tells when its entry was in the log, on disk, committed and applied", async () => {
    await simulate({ seed: 3 }, async (world) => {
      const spans: FinishedSpan[] = [];
      const tracer = createTracer({ clock: world.clock, sinks: [{ write: (span) => void spans.push(span) }] });
      const processes = hosts.map((name) => world.process(name));
      const all = await Promise.all(
        processes.map((process, at) => {
          process.start(() => undefined);
          const name = hosts[at]!;
          const cluster = { name: "test", members };
          const place = {
            runtime: process.runtime,
            name,
            directory: "/data",
            peer: { host: name, port: 2380 },
            cluster,
          };
          return createMember({ ...place, clientUrls: [], httpUrls: [], tracer });
        }),
      );
      let leader: ReplicatedMember | undefined;
      while (leader === undefined) {
        await world.clock.sleep(50);
        leader = all.find((member) => member.status().role === "leader");
      }
      await world.clock.sleep(1_000);
      const follower = all.find((member) => member !== leader)!;
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
      expect(stages.toSorted()).toEqual(["appended", "applied", "committed", "synced"]);
      expect([stages[0], ...stages.slice(-2)]).toEqual(["appended", "committed", "applied"]);
      const times = proposal?.events.map(({ at }) => at) ?? [];
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      expect(times.at(-1)).toBe((proposal?.startedAt ?? 0) + (proposal?.durationMs ?? 0));
      expect(times.at(-1)).toBeGreaterThan(times[0] ?? Infinity);

      await put(follower);
      expect(ofCallers()[0]?.events.map(({ name }) => name)).toEqual(["forwarded", "applied"]);

      for (const [at, process] of processes.entries()) if (all[at] !== follower) process.crash();
      await expect(put(follower, 2_000)).rejects.toMatchObject({ code: "TIMED_OUT" });
      const [lost] = ofCallers();
      expect(lost).toMatchObject({ status: { code: "error" }, attributes: { "error.type": "TIMED_OUT" } });
      expect(lost?.events.map(({ name }) => name)).toContain("proposed again");
      await follower.close();
      expect(tracer.metrics.ended).toBe(tracer.metrics.started);
    });
  });
});
