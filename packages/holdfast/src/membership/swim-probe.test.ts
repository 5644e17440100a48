import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { sizeOf } from "./codec.ts";
import type { Message, Ping, PingReq } from "./message.ts";
import { noEffects, type Effects } from "./swim-effects.ts";
import type { SwimOptions } from "./swim-options.ts";
import { step } from "./swim-step.ts";
import { createSwim, type Swim } from "./swim.ts";

const host = "h";

/** A member `a` at port 1 that knows the named ones, at ports 2 and up, and has told their news. */
function knowing(names: readonly string[], options: Partial<SwimOptions> = {}): Swim {
  const random = seededRandom(1);
  const swim = createSwim({ name: "a", host, port: 1, random, sizeOf, pushPullIntervalMs: 1e9, ...options });
  const messages = names.map((name, at): Message => ({
    type: "alive",
    name,
    host,
    port: 2 + at,
    meta: new Uint8Array(0),
    incarnation: 0,
  }));
  step(swim, { type: "receive", now: 0, from: { host, port: 9 }, messages });
  for (const name of names) swim.queue.forget(`member ${name}`);
  return swim;
}

/** Wakes the core on time until `done` says so of a step's effects. */
function wakeUntil(swim: Swim, done: (effects: Effects) => boolean): Effects {
  for (let tries = 0; tries < 1_000; tries++) {
    const effects = step(swim, { type: "wake", now: swim.wakeAt });
    if (done(effects)) return effects;
  }
  throw new Error("it never came to that");
}

/** Wakes the core on time up to `until`, and gives all effects in one. */
function wakeTo(swim: Swim, until: number): Effects {
  const all = noEffects();
  while (swim.wakeAt <= until) {
    const { packets, streams, events } = step(swim, { type: "wake", now: swim.wakeAt });
    all.packets.push(...packets);
    all.streams.push(...streams);
    all.events.push(...events);
  }
  return all;
}

function sent<Type extends Message["type"]>(effects: Effects, type: Type): Extract<Message, { type: Type }>[] {
  const messages = effects.packets.flatMap((packet) => packet.messages);
  return messages.filter((message): message is Extract<Message, { type: Type }> => message.type === type);
}

function nextPing(swim: Swim): Ping {
  return sent(
    wakeUntil(swim, (effects) => sent(effects, "ping").length > 0),
    "ping",
  )[0]!;
}

function receive(swim: Swim, ...messages: Message[]): Effects {
  return step(swim, { type: "receive", now: swim.now, from: { host, port: 9 }, messages });
}

describe("a probe", () => {
  it("comes once in each period, to everyone in turn", () => {
    const swim = knowing(["b", "c", "d"]);
    const targets: string[] = [];
    const times: number[] = [];
    for (let at = 0; at < 6; at++) {
      const ping = nextPing(swim);
      targets.push(ping.target);
      times.push(swim.now);
      receive(swim, { type: "ack", seq: ping.seq });
    }
    expect(targets.slice(0, 3).toSorted()).toEqual(["b", "c", "d"]);
    expect(targets.slice(3).toSorted()).toEqual(["b", "c", "d"]);
    expect(times.slice(1).map((time, at) => Math.round(time - times[at]!))).toEqual([
      1_000, 1_000, 1_000, 1_000, 1_000,
    ]);
  });

  it("that is not answered is tried through others and a stream, and then accuses", () => {
    const swim = knowing(["b", "c", "d"], { indirectProbes: 2 });
    const ping = nextPing(swim);
    const pingAt = swim.now;
    const asked = wakeUntil(swim, (effects) => sent(effects, "pingReq").length > 0);
    expect(swim.now - pingAt).toBeCloseTo(500, 6);
    const requests = sent(asked, "pingReq");
    expect(requests).toHaveLength(2);
    for (const { target, seq, wantsNack } of requests) {
      expect({ target, seq, wantsNack }).toEqual({ target: ping.target, seq: ping.seq, wantsNack: true });
    }
    expect(asked.packets.map(({ to }) => to.port)).not.toContain(portOf(swim, ping.target));
    expect(asked.streams[0]?.messages).toEqual([ping]);
    const failed = wakeUntil(swim, ({ events }) => events.length > 0);
    expect(swim.now - pingAt).toBeCloseTo(1_000, 6);
    expect(failed.events).toMatchObject([{ type: "suspect", member: { name: ping.target }, from: "a" }]);
  });

  it("accuses as soon as nobody listens there and every helper has said no", () => {
    for (const order of ["refused first", "refused last"]) {
      const swim = knowing(["b", "c", "d"], { indirectProbes: 2 });
      const ping = nextPing(swim);
      const { streams } = wakeUntil(swim, (effects) => effects.streams.length > 0);
      const refuse = (): Effects => step(swim, { type: "streamFailed", now: swim.now, exchange: streams[0]!.exchange });
      const nack = (): Effects => receive(swim, { type: "nack", seq: ping.seq });
      const steps = order === "refused first" ? [refuse, nack, nack] : [nack, nack, refuse];
      const events = steps.map((run) => run().events.map(({ type }) => type));
      expect(events).toEqual([[], [], ["suspect"]]);
      expect(swim.counts.failedProbes).toBe(1);
      expect(swim.health.score).toBe(0);
    }
  });

  it("waits for helpers that cannot say no, and for what a held-up process may not have heard", () => {
    const hasty = knowing(["b", "c", "d"], { lifeguard: false });
    const late = knowing(["b"]);
    for (const swim of [hasty, late]) {
      nextPing(swim);
      const { streams } = wakeUntil(swim, (effects) => effects.streams.length > 0);
      if (swim === late) {
        step(swim, { type: "receive", now: swim.wakeAt + 100, from: { host, port: 9 }, messages: [] });
      }
      step(swim, { type: "streamFailed", now: swim.now, exchange: streams[0]!.exchange });
      expect(swim.counts.failedProbes).toBe(0);
    }
  });

  it("is over with an ack that comes through a helper", () => {
    const swim = knowing(["b", "c"]);
    const ping = nextPing(swim);
    wakeUntil(swim, (effects) => sent(effects, "pingReq").length > 0);
    receive(swim, { type: "ack", seq: ping.seq });
    expect(swim.probe).toBeUndefined();
    expect(wakeTo(swim, swim.now + 400).events).toEqual([]);
  });

  it("is over with an ack over the stream, which does not make this member feel better", () => {
    const swim = knowing(["b", "c"]);
    swim.health.add(3);
    const ping = nextPing(swim);
    const { streams } = wakeUntil(swim, (effects) => effects.streams.length > 0);
    const { exchange } = streams[0]!;
    step(swim, { type: "streamAnswer", now: swim.now, exchange, messages: [{ type: "ack", seq: ping.seq }] });
    expect(swim.probe).toBeUndefined();
    expect(swim.counts.streamAcks).toBe(1);
    expect(swim.health.score).toBe(3);
  });

  it("is not ended by the ack of an earlier one", () => {
    const swim = knowing(["b"]);
    const first = nextPing(swim);
    const suspected = wakeUntil(swim, ({ events }) => events.length > 0);
    expect(suspected.events[0]?.type).toBe("suspect");
    const second = swim.probe;
    receive(swim, { type: "ack", seq: first.seq });
    expect(second).toBeDefined();
    expect(swim.probe).toBe(second);
  });

  it("tells a suspect first that it is suspected", () => {
    const swim = knowing(["b"]);
    receive(swim, { type: "suspect", name: "b", incarnation: 0, from: "z" });
    const { packets } = wakeUntil(swim, (effects) => sent(effects, "ping").length > 0);
    const packet = packets.find(({ messages }) => messages[1]?.type === "ping");
    expect(packet?.messages[0]).toMatchObject({ type: "suspect", name: "b", from: "a" });
  });

  it("of an incarnation that was refuted meanwhile accuses nobody", () => {
    const swim = knowing(["b"]);
    nextPing(swim);
    receive(swim, { type: "alive", name: "b", host, port: 2, meta: new Uint8Array(0), incarnation: 1 });
    wakeTo(swim, swim.now + 1_000);
    expect(swim.counts.failedProbes).toBe(1);
    expect(swim.records.get("b")?.member.state).toBe("alive");
  });
});

describe("local health", () => {
  it("suffers from helpers that say nothing, and not from those that say no", () => {
    for (const nacks of [0, 1, 2]) {
      const swim = knowing(["b", "c", "d"], { indirectProbes: 2 });
      const ping = nextPing(swim);
      wakeUntil(swim, (effects) => sent(effects, "pingReq").length > 0);
      for (let at = 0; at < nacks; at++) receive(swim, { type: "nack", seq: ping.seq });
      wakeUntil(swim, ({ events }) => events.length > 0);
      expect(swim.health.score).toBe(2 - nacks);
    }
  });

  it("slows probes down, and is mended by answers", () => {
    const swim = knowing(["b"]);
    swim.health.add(2);
    const first = nextPing(swim);
    const startedAt = swim.now;
    receive(swim, { type: "ack", seq: first.seq });
    expect(swim.health.score).toBe(1);
    nextPing(swim);
    expect(swim.now - startedAt).toBeCloseTo(3_000, 6);
  });

  it("stays out of it without Lifeguard", () => {
    const swim = knowing(["b", "c"], { lifeguard: false });
    nextPing(swim);
    const asked = wakeUntil(swim, (effects) => sent(effects, "pingReq").length > 0);
    expect(sent(asked, "pingReq").map(({ wantsNack }) => wantsNack)).toEqual([false]);
    wakeUntil(swim, ({ events }) => events.length > 0);
    expect(swim.health.score).toBe(0);
  });
});

describe("a helper", () => {
  const request: PingReq = {
    type: "pingReq",
    seq: 77,
    target: "b",
    targetHost: host,
    targetPort: 2,
    source: { name: "c", host, port: 3 },
    wantsNack: true,
  };

  it("pings for another and passes the ack on", () => {
    const swim = knowing([]);
    const [ping] = sent(receive(swim, request), "ping");
    expect(ping).toMatchObject({ target: "b", source: { name: "a" } });
    expect(ping?.seq).not.toBe(77);
    const { packets } = receive(swim, { type: "ack", seq: ping!.seq });
    expect(packets).toMatchObject([{ to: { port: 9 }, messages: [{ type: "ack", seq: 77 }] }]);
  });

  it("says no before its asker's time is over, and still passes a late ack on", () => {
    const swim = knowing([]);
    const [ping] = sent(receive(swim, request), "ping");
    const nacked = wakeUntil(swim, (effects) => sent(effects, "nack").length > 0);
    expect(swim.now).toBeCloseTo(400, 6);
    expect(sent(nacked, "nack")).toEqual([{ type: "nack", seq: 77 }]);
    expect(sent(receive(swim, { type: "ack", seq: ping!.seq }), "ack")).toMatchObject([{ seq: 77 }]);
  });

  it("says nothing to whoever does not want it, and forgets in time", () => {
    const swim = knowing([]);
    receive(swim, { ...request, wantsNack: false });
    expect(sent(wakeTo(swim, 2_000), "nack")).toEqual([]);
    expect(swim.relays.size).toBe(0);
  });

  it("does so for a bounded number at a time", () => {
    const swim = knowing([]);
    for (let seq = 0; seq < 1_030; seq++) receive(swim, { ...request, seq });
    expect(swim.relays.size).toBe(1_024);
    expect(swim.counts.refusedRelays).toBe(6);
  });
});

describe("a ping", () => {
  it("for another name gets no answer", () => {
    const swim = knowing(["b"]);
    const ping: Ping = { type: "ping", seq: 5, target: "other", source: { name: "b", host, port: 2 } };
    expect(receive(swim, ping).packets).toEqual([]);
    expect(swim.counts.misdirectedPings).toBe(1);
    expect(sent(receive(swim, { ...ping, target: "a" }), "ack")).toMatchObject([{ seq: 5 }]);
  });
});

function portOf(swim: Swim, name: string): number {
  return swim.records.get(name)!.member.port;
}
