import { createMemoryMember, type Member, type MemberStatus } from "holdfast/coordination";
import { afterAll, describe, expect, it } from "vitest";
import { memberHealth } from "./member-health.ts";

const inner = createMemoryMember();
afterAll(() => inner.close());

/** A member of which some things are as the test says. */
function memberWith(status: Partial<MemberStatus>, range: Member["range"] = (...call) => inner.range(...call)) {
  const subject = { status, reads: 0 };
  const member: Member = {
    ...inner,
    status: () => ({ ...inner.status(), ...subject.status }),
    range: (...call) => {
      subject.reads++;
      return range(...call);
    },
  };
  return { subject, member };
}

const failing = async (outcomes: Promise<readonly { name: string; failure: string | undefined }[]>) =>
  (await outcomes).flatMap(({ name, failure }) => (failure === undefined ? [] : [`${name}: ${failure}`]));

const alarm = (type: "CORRUPT" | "NOSPACE"): Partial<MemberStatus> => ({ alarms: [{ member: 1n, type }] });

describe("a member's health", () => {
  it.each<[string, Partial<MemberStatus>, live: string[], ready: string[]]>([
    ["all is well", {}, [], []],
    ["no leader", { leader: 0n }, [], ["leader: no leader is known", "linearizable_read: no leader is known"]],
    ["a learner", { isLearner: true }, [], ["non_learner: a learner answers no clients"]],
    ["corrupt data", alarm("CORRUPT"), [], ["data_corruption: the alarm CORRUPT is raised"]],
    ["no room left", alarm("NOSPACE"), [], []],
    ["a disk that hangs", { isDiskStalled: true }, ["disk: a write hangs"], []],
  ])("%s", async (_name, status, live, ready) => {
    const health = memberHealth(memberWith(status).member);
    expect(await failing(health.live())).toEqual(live);
    expect(await failing(health.ready())).toEqual(ready);
    expect(await health.isReady()).toBe(ready.length === 0);
  });

  it("reads from the member, by itself and through its leader, but not from a witness", async () => {
    const kinds: unknown[] = [];
    const broken = memberWith({}, ({ serializable }, options) => {
      kinds.push([serializable, options?.timeoutMs]);
      return Promise.reject(new Error(serializable === true ? "closed" : "too slow"));
    });
    const health = memberHealth(broken.member);
    expect(await failing(health.live())).toEqual(["serializable_read: closed"]);
    expect(await failing(health.ready())).toEqual(["serializable_read: closed", "linearizable_read: too slow"]);
    expect(kinds).toEqual([
      [true, 1_000],
      [true, 1_000],
      [false, 1_000],
    ]);
    const witness = memberWith({ isWitness: true });
    expect(await failing(memberHealth(witness.member).ready())).toEqual([]);
    expect(witness.subject.reads).toBe(0);
  });

  it("warns of what keeps nobody away", async () => {
    const told = { warning: undefined as string | undefined };
    const health = memberHealth(memberWith({}).member, { warnings: { certificates: () => told.warning } });
    const last = async () => (await health.ready()).at(-1);
    expect(await last()).toEqual({ name: "certificates", failure: undefined, warning: undefined });
    told.warning = "a day left";
    expect(await last()).toEqual({ name: "certificates", failure: undefined, warning: "a day left" });
    expect((await health.ready(["certificates"])).some(({ name }) => name === "certificates")).toBe(false);
    expect(await health.isReady()).toBe(true);
  });

  it("leaves out what it is told to", async () => {
    const health = memberHealth(memberWith({ leader: 0n }).member);
    health.stop();
    expect(await failing(health.ready(["leader", "linearizable_read"]))).toEqual(["stopping: it takes no new clients"]);
    expect(await failing(health.ready(["leader", "linearizable_read", "stopping"]))).toEqual([]);
  });

  it("tells those who watch what it is, changes, and its end at once; and looks at nothing when nobody does", async () => {
    const { member, subject } = memberWith({});
    const health = memberHealth(member, { intervalMs: 1 });
    const told: boolean[] = [];
    let wake = (): void => undefined;
    const until = async (count: number): Promise<void> => {
      while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    const stop = health.watch((isReady) => {
      told.push(isReady);
      wake();
    });
    await until(1);
    subject.status = { leader: 0n };
    await until(2);
    subject.status = {};
    await until(3);
    health.stop();
    expect(told).toEqual([true, false, true, false]);
    const late: boolean[] = [];
    const stopLate = health.watch((isReady) => late.push(isReady));
    await new Promise((resolve) => setImmediate(resolve));
    expect(late).toEqual([false]);
    stop();
    stopLate();
    subject.reads = 0;
    expect([await health.isReady(), subject.reads]).toEqual([false, 0]);
  });
});
