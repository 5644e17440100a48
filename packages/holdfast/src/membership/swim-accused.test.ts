import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { sizeOf } from "./codec.ts";
import type { Message, Ping } from "./message.ts";
import type { Effects } from "./swim-effects.ts";
import type { SwimOptions } from "./swim-options.ts";
import { step } from "./swim-step.ts";
import { createSwim, type Swim } from "./swim.ts";

const host = "h";
const ports: Readonly<Record<string, number>> = { a: 1, b: 2, c: 3 };
const none = new Uint8Array(0);
const alive = (name: string, incarnation = 0): Message => ({
  type: "alive",
  name,
  host,
  port: ports[name]!,
  meta: none,
  incarnation,
});

/** A member that knows these others, and has told so. */
function member(name: string, others: readonly string[], options: Partial<SwimOptions> = {}): Swim {
  const random = seededRandom(1);
  const swim = createSwim({ name, host, port: ports[name]!, random, sizeOf, pushPullIntervalMs: 1e9, ...options });
  receive(swim, 9, ...others.map((other) => alive(other)));
  for (const other of others) swim.queue.forget(`member ${other}`);
  return swim;
}

function receive(swim: Swim, fromPort: number, ...messages: Message[]): Effects {
  return step(swim, { type: "receive", now: swim.now, from: { host, port: fromPort }, messages });
}

const dead = (name: string, from: string): Message => ({ type: "dead", name, incarnation: 0, from });
const stateOf = (swim: Swim, name: string): string | undefined => swim.records.get(name)?.member.state;

/** What a member sends to one port while it wakes on time for so long, and nobody answers. */
function sentTo(swim: Swim, port: number, forMs: number): (readonly Message[])[] {
  const until = swim.now + forMs;
  const sent: (readonly Message[])[] = [];
  while (swim.wakeAt <= until) {
    const { packets } = step(swim, { type: "wake", now: swim.wakeAt });
    for (const { to, messages } of packets) if (to.port === port) sent.push(messages);
  }
  return sent;
}

const isPing = (message: Message | undefined): message is Ping => message?.type === "ping";

describe("a member that holds another for dead", () => {
  it("asks it in each period whether it is, and tells it first of its death", () => {
    const swim = member("a", ["b"]);
    receive(swim, 9, dead("b", "z"));
    swim.queue.forget("member b");
    const asked = sentTo(swim, 2, 5_000);
    expect(asked.length).toBeGreaterThanOrEqual(4);
    for (const messages of asked) {
      expect(messages).toMatchObject([
        { type: "dead", name: "b", from: "a" },
        { type: "ping", target: "b" },
      ]);
    }
    expect(swim.counts.probes).toBe(0);
    expect(swim.counts.failedProbes).toBe(0);
  });

  it("takes it back with its first answer", () => {
    const [a, b] = [member("a", ["b"]), member("b", ["a"])];
    receive(a, 9, dead("b", "z"));
    a.queue.forget("member b");
    const asked = sentTo(a, 2, 2_000).at(-1);
    const answers = receive(b, 1, ...asked!).packets;
    expect(answers.map(({ to }) => to.port)).toEqual([1]);
    receive(a, 2, ...answers[0]!.messages);
    expect(stateOf(a, "b")).toBe("alive");
    expect(a.records.get("b")).toMatchObject({ heardAt: a.now, unansweredAt: undefined });
    expect(b.counts.refutations).toBe(1);
  });

  it("tells it so when it is pinged by it, and is told so in turn: two that hold each other for dead", () => {
    const [a, b] = [member("a", ["b"]), member("b", ["a"])];
    receive(a, 9, dead("b", "z"));
    receive(b, 9, dead("a", "z"));
    for (const swim of [a, b]) for (const name of ["a", "b"]) swim.queue.forget(`member ${name}`);
    const [asked] = sentTo(a, 2, 2_000);
    const [answer] = receive(b, 1, ...asked!).packets;
    expect(answer?.messages.slice(0, 2)).toMatchObject([{ type: "ack" }, { type: "dead", name: "a", from: "b" }]);
    receive(a, 2, ...answer!.messages);
    expect([stateOf(a, "b"), a.self.member.incarnation]).toEqual(["alive", 1]);
    const news = sentTo(a, 2, 1_000).flat();
    receive(b, 1, ...news);
    expect(stateOf(b, "a")).toBe("alive");
  });

  it("asks no more than all together a few times a period, once the death is old", () => {
    const swim = member("a", ["b", "c"], { gossipToTheDeadMs: 0 });
    for (let at = 0; at < 200; at++) receive(swim, 9, { ...alive("b"), name: `m${at}`, port: 100 + at } as Message);
    receive(swim, 9, dead("b", "z"));
    for (const name of swim.records.keys()) swim.queue.forget(`member ${name}`);
    const asked = sentTo(swim, 2, 60_000).filter((messages) => messages.some(isPing));
    // Two of 201 members in each second.
    expect(asked.length).toBeLessThan(6);
  });

  it("does not ask whoever said farewell", () => {
    const swim = member("a", ["b"]);
    receive(swim, 9, dead("b", "b"));
    swim.queue.forget("member b");
    expect(sentTo(swim, 2, 60_000)).toEqual([]);
  });
});

describe("a suspect", () => {
  it("is asked by everybody who suspects it, out of its turn", () => {
    const swim = member("a", ["b", "c"]);
    receive(swim, 9, { type: "suspect", name: "b", incarnation: 0, from: "z" });
    swim.queue.forget("member b");
    const pings = sentTo(swim, 2, 3_000).filter((messages) => messages.some(isPing));
    expect(pings.length).toBeGreaterThanOrEqual(3);
    expect(pings.every(([first]) => first?.type === "suspect")).toBe(true);
  });

  it("tells again that it lives to whoever has not heard of its objection, and raises nothing", () => {
    const swim = member("a", ["b"]);
    receive(swim, 2, { type: "suspect", name: "a", incarnation: 0, from: "b" });
    expect(swim.self.member.incarnation).toBe(1);
    swim.queue.forget("member a");
    const { packets } = receive(swim, 2, { type: "suspect", name: "a", incarnation: 0, from: "b" });
    expect(packets).toMatchObject([{ to: { port: 2 }, messages: [{ type: "alive", name: "a", incarnation: 1 }] }]);
    expect(swim.self.member.incarnation).toBe(1);
    expect(swim.counts.refutations).toBe(1);
  });
});

describe("what a member itself has said", () => {
  it("is not what others say of it: an ack by way of another leaves the question open", () => {
    const swim = member("a", ["b", "c"]);
    let probed: string | undefined;
    while (swim.probe?.stage !== "indirect") {
      step(swim, { type: "wake", now: swim.wakeAt });
      probed = swim.probe?.record.member.name;
    }
    const record = swim.records.get(probed!)!;
    const before = record.heardAt;
    const { seq } = swim.probe;
    receive(swim, 3, { type: "ack", seq });
    expect(swim.probe).toBeUndefined();
    expect(record).toMatchObject({ heardAt: before, unansweredAt: swim.now });
    receive(swim, 9, { type: "ping", seq: 7, target: "a", source: { name: probed!, host, port: ports[probed!]! } });
    expect(record).toMatchObject({ heardAt: swim.now, unansweredAt: undefined });
  });
});
