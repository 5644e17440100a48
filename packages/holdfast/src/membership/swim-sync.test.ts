import { describe, expect, it } from "vitest";
import { seededRandom, type Address } from "../runtime/index.ts";
import { sizeOf } from "./codec.ts";
import type { Member, MemberState } from "./member.ts";
import type { PushPull } from "./message.ts";
import type { Effects, MembershipEvent } from "./swim-effects.ts";
import type { SwimOptions } from "./swim-options.ts";
import { step } from "./swim-step.ts";
import { pushPullIntervalMs } from "./swim-sync.ts";
import { createSwim, membersOf, type Swim } from "./swim.ts";

const host = "h";

function start(name: string, port: number, options: Partial<SwimOptions> = {}): Swim {
  return createSwim({ name, host, port, random: seededRandom(port), sizeOf, ...options });
}

/** Carries a comparison from one member to another and back. */
function carry(
  asker: Swim,
  effects: Effects,
  answerer: Swim,
): { asked: MembershipEvent[]; answered: MembershipEvent[] } {
  const request = effects.streams[0]!;
  const answer = step(answerer, { type: "streamRequest", now: 0, connection: 1, messages: request.messages });
  const { exchange } = request;
  const { messages } = answer.replies[0]!;
  const { events } = step(asker, { type: "streamAnswer", now: 0, exchange, messages });
  return { asked: events, answered: answer.events };
}

function other(name: string, port: number, state: MemberState = "alive", incarnation = 0): Member {
  return { name, host, port, meta: new Uint8Array(0), incarnation, state };
}

function tell(swim: Swim, ...members: Member[]): MembershipEvent[] {
  const message: PushPull = { type: "pushPull", join: false, members, reply: false };
  return step(swim, { type: "streamRequest", now: swim.now, connection: 1, messages: [message] }).events;
}

function stateOf(swim: Swim, name: string): string | undefined {
  return swim.records.get(name)?.member.state;
}

function addressOf(swim: Swim): Address {
  const { host, port } = swim.address;
  return { host, port };
}

describe("joining", () => {
  it("makes two members know all that either knew", () => {
    const [a, b] = [start("a", 1), start("b", 2)];
    tell(a, other("c", 3));
    tell(b, other("d", 4));
    const joining = step(a, { type: "join", now: 0, addresses: [addressOf(b)] });
    const { asked, answered } = carry(a, joining, b);
    expect(asked.at(-1)).toEqual({ type: "joined", address: addressOf(b), members: 4 });
    expect(answered.map(({ type }) => type)).toEqual(["join", "join"]);
    for (const swim of [a, b])
      expect(
        membersOf(swim)
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(["a", "b", "c", "d"]);
  });

  it("fails when nobody answers, and says so for each address", () => {
    const a = start("a", 1);
    const addresses = [
      { host, port: 2 },
      { host, port: 3 },
    ];
    const { streams } = step(a, { type: "join", now: 0, addresses });
    expect(streams).toHaveLength(2);
    const failed = streams.flatMap(({ exchange }) => step(a, { type: "streamFailed", now: 0, exchange }).events);
    expect(failed).toEqual(addresses.map((address) => ({ type: "joinFailed", address })));
    const { events } = step(a, { type: "streamFailed", now: 0, exchange: streams[0]!.exchange });
    expect(events).toEqual([]);
  });

  it("again under a name that is held for dead begins past that death", () => {
    const [old, reborn] = [start("old", 2), start("a", 1)];
    tell(old, other("a", 1, "alive", 3));
    step(old, {
      type: "receive",
      now: 0,
      from: addressOf(old),
      messages: [{ type: "dead", name: "a", incarnation: 3, from: "x" }],
    });
    const joining = step(reborn, { type: "join", now: 0, addresses: [addressOf(old)] });
    const { asked } = carry(reborn, joining, old);
    expect(asked).toContainEqual({ type: "refuted", incarnation: 4 });
    tell(old, reborn.self.member);
    expect(stateOf(old, "a")).toBe("alive");
  });
});

describe("comparing notes", () => {
  it("only suspects whom the other side holds for dead", () => {
    const a = start("a", 1);
    tell(a, other("b", 2));
    expect(tell(a, other("b", 2, "dead")).map(({ type }) => type)).toEqual(["suspect"]);
    expect(stateOf(a, "b")).toBe("suspect");
  });

  it("believes a farewell", () => {
    const a = start("a", 1);
    tell(a, other("b", 2));
    expect(tell(a, other("b", 2, "left")).map(({ type }) => type)).toEqual(["left"]);
  });

  it("does not learn of the dead, and learns of suspects as members", () => {
    const a = start("a", 1);
    expect(tell(a, other("b", 2, "dead"), other("c", 3, "left"))).toEqual([]);
    expect(tell(a, other("d", 4, "suspect")).map(({ type }) => type)).toEqual(["join", "suspect"]);
  });

  it("answers after merging, so that the asker hears a refutation at once", () => {
    const a = start("a", 1);
    const message: PushPull = { type: "pushPull", join: false, members: [other("a", 1, "dead", 2)], reply: false };
    const { replies } = step(a, { type: "streamRequest", now: 0, connection: 9, messages: [message] });
    expect(replies).toMatchObject([
      {
        connection: 9,
        messages: [{ type: "pushPull", reply: true, members: [{ name: "a", state: "alive", incarnation: 3 }] }],
      },
    ]);
  });

  it.each([
    [1, 30_000],
    [32, 30_000],
    [33, 60_000],
    [64, 60_000],
    [65, 90_000],
    [2_000, 210_000],
  ])("of %i members comes every %i ms", (members, expected) => {
    const a = start("a", 1);
    a.live = members;
    expect(pushPullIntervalMs(a)).toBe(expected);
  });
});

describe("reconnecting", () => {
  it("asks a dead member again and again, and a seed that never answered", () => {
    const a = start("a", 1, { probeIntervalMs: 1e6, pushPullIntervalMs: 1e6 });
    step(a, { type: "join", now: 0, addresses: [{ host, port: 7 }] });
    tell(a, other("b", 2), other("c", 3, "alive"));
    for (const name of ["b", "c"]) {
      const from = name === "c" ? "c" : "x";
      const messages = [{ type: "dead", name, incarnation: 0, from } as const];
      step(a, { type: "receive", now: 0, from: addressOf(a), messages });
    }
    const asked = new Set<number>();
    for (let tries = 0; tries < 100_000 && a.now < 1_000_000; tries++) {
      const { streams } = step(a, { type: "wake", now: a.wakeAt });
      for (const { to, exchange } of streams) {
        asked.add(to.port);
        step(a, { type: "streamFailed", now: a.now, exchange });
      }
    }
    // c has left: it is not looked for.
    expect([...asked].toSorted((a, b) => a - b)).toEqual([2, 7]);
  });
});
