import { seededRandom, type Address, type Random } from "holdfast/runtime";
import { sizeOf } from "../../../packages/holdfast/src/membership/codec.ts";
import type { MemberState } from "../../../packages/holdfast/src/membership/member.ts";
import type { Message } from "../../../packages/holdfast/src/membership/message.ts";
import type { Effects, MembershipEvent } from "../../../packages/holdfast/src/membership/swim-effects.ts";
import type { Input } from "../../../packages/holdfast/src/membership/swim-input.ts";
import type { SwimOptions } from "../../../packages/holdfast/src/membership/swim-options.ts";
import { step } from "../../../packages/holdfast/src/membership/swim-step.ts";
import { createSwim, newRecord, type Swim } from "../../../packages/holdfast/src/membership/swim.ts";
import { EventQueue } from "./event-queue.ts";
import { SwimInvariants } from "./swim-invariants.ts";

export interface SwimClusterOptions {
  readonly size: number;
  readonly seed: number;
  /** Everyone knows everyone from the start. Default false: all are alone. */
  readonly acquainted?: boolean;
  readonly swim?: Partial<SwimOptions>;
  /** Of each packet, one way. Default 0.5 to 2. */
  readonly latencyMs?: readonly [number, number];
  /** Share of packets lost; streams lose nothing. Default 0. */
  readonly loss?: number;
  /** Checks the rules of the protocol after every step; costs memory for each pair of members. Default true. */
  readonly checked?: boolean;
}

export interface SimulatedMember {
  readonly index: number;
  readonly name: string;
  readonly address: Address;
  swim: Swim;
  state: "running" | "killed";
  /** Until when its process does nothing, its input waiting. */
  pausedUntil: number;
  /** Until when what it sends and gets is held back, while its timers run. */
  slowUntil: number;
  /** When the wake-up that is set comes; others are out of date. */
  wakeSetFor: number;
  lives: number;
}

const host = "10.0.0.1";
const firstPort = 1_000;

/** SWIM cores in one thread on virtual time, without a driver: what the driver does for one member, this does for all. */
export class SwimCluster {
  readonly members: SimulatedMember[] = [];
  readonly invariants: SwimInvariants | undefined;
  now = 0;
  packets = 0;
  lostPackets = 0;
  streams = 0;
  /** Packets that could not pass a cut. */
  cutPackets = 0;
  bytes = 0;
  onEvent: (observer: SimulatedMember, event: MembershipEvent) => void = () => undefined;
  /** Whether what `from` sends reaches `to`. */
  passes: (from: SimulatedMember, to: SimulatedMember) => boolean = () => true;
  readonly #options: SwimClusterOptions;
  readonly #random: Random;
  readonly #network: Random;
  readonly #queue = new EventQueue();
  #connections = 0;
  readonly #waiting = new Map<
    number,
    { readonly asker: SimulatedMember; readonly life: number; readonly exchange: number }
  >();

  constructor(options: SwimClusterOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#network = this.#random.fork("network");
    this.invariants = options.checked === false ? undefined : new SwimInvariants();
    for (let index = 0; index < options.size; index++) this.#create(index);
    if (options.acquainted === true) this.#introduce();
    for (const member of this.members) this.#setWake(member);
  }

  #create(index: number): void {
    const address: Address = { host, port: firstPort + index };
    const name = `m${index}`;
    const lives = 1;
    const member: SimulatedMember = {
      index,
      name,
      address,
      swim: this.#start(name, address, lives),
      state: "running",
      pausedUntil: 0,
      slowUntil: 0,
      wakeSetFor: Number.NaN,
      lives,
    };
    this.members.push(member);
  }

  #start(name: string, address: Address, life: number): Swim {
    const random = this.#random.fork(`${name} ${life}`);
    return createSwim({ random, sizeOf, ...this.#options.swim, name, ...address, now: this.now });
  }

  /** As after a long time together: everyone knows everyone, and no news is under way. */
  #introduce(): void {
    const all = this.members.map(({ swim }) => swim.self.member);
    for (const { swim } of this.members) {
      for (const member of all) {
        if (member.name === swim.address.name) continue;
        const record = newRecord(member, 0);
        swim.records.set(member.name, record);
        swim.order.add(record);
        swim.live++;
      }
    }
  }

  /** A new member, alone. */
  add(): SimulatedMember {
    this.#create(this.members.length);
    const member = this.members.at(-1)!;
    this.#setWake(member);
    return member;
  }

  member(index: number): SimulatedMember {
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member;
  }

  get running(): SimulatedMember[] {
    return this.members.filter(({ state }) => state === "running");
  }

  /** What one member believes of another. */
  belief(observer: SimulatedMember, subject: SimulatedMember): MemberState | undefined {
    return observer.swim.records.get(subject.name)?.member.state;
  }

  /** How many running members hold `subject` for any of `states`; itself not asked. */
  believers(subject: SimulatedMember, ...states: MemberState[]): number {
    let count = 0;
    for (const observer of this.running) {
      if (observer !== subject && states.includes(this.belief(observer, subject) ?? "left")) count++;
    }
    return count;
  }

  /** Whether all running members agree about each other. */
  get agreed(): boolean {
    const { running } = this;
    return running.every((observer) => running.every((subject) => this.belief(observer, subject) === "alive"));
  }

  kill(member: SimulatedMember): void {
    member.state = "killed";
  }

  /** Starts a member that was killed, knowing nothing. */
  restart(member: SimulatedMember): void {
    member.state = "running";
    member.lives++;
    member.swim = this.#start(member.name, member.address, member.lives);
    this.invariants?.forgetObserver(member.name);
    this.#setWake(member);
  }

  /** As SIGSTOP or a blocked event loop: timers come late, input waits in the socket. */
  pause(member: SimulatedMember, ms: number): void {
    member.pausedUntil = Math.max(member.pausedUntil, this.now + ms);
  }

  /** Nothing goes in or out for a while, and then all of it; the member's own timers are on time. */
  slow(member: SimulatedMember, ms: number): void {
    member.slowUntil = Math.max(member.slowUntil, this.now + ms);
  }

  join(member: SimulatedMember, ...through: SimulatedMember[]): void {
    this.feed(member, { type: "join", now: this.now, addresses: through.map(({ address }) => address) });
  }

  at(time: number, run: () => void): void {
    this.#queue.add(time, run);
  }

  /** Lets time pass. */
  advance(ms: number): void {
    const end = this.now + ms;
    while (this.#queue.nextTime <= end) this.#next();
    this.now = end;
  }

  /** Lets time pass until `done`; how long that took. @throws Error when it takes longer than `limitMs` */
  advanceUntil(done: () => boolean, limitMs: number): number {
    const start = this.now;
    while (!done()) {
      if (this.#queue.nextTime - start > limitMs) throw new Error(`not within ${limitMs} ms of virtual time`);
      this.#next();
    }
    return this.now - start;
  }

  #next(): void {
    const next = this.#queue.take();
    if (next === undefined) throw new Error("nothing is left to happen");
    this.now = Math.max(this.now, next.time);
    next.run();
  }

  /** Gives a member an input and performs what it asks for. */
  feed(member: SimulatedMember, input: Input): Effects {
    const effects = step(member.swim, input);
    const { packets, streams, replies, events } = effects;
    for (const { to, messages } of packets) this.#sendPacket(member, to, messages);
    for (const { exchange, to, messages, timeoutMs } of streams) {
      this.#openStream(member, exchange, to, messages, timeoutMs);
    }
    for (const { connection, messages } of replies) this.#answer(member, connection, messages);
    for (const event of events) this.onEvent(member, event);
    this.invariants?.check(this.now, member, this.members, effects);
    this.#setWake(member);
    return effects;
  }

  #setWake(member: SimulatedMember): void {
    const { wakeAt } = member.swim;
    if (wakeAt === member.wakeSetFor || wakeAt === Number.POSITIVE_INFINITY) return;
    member.wakeSetFor = wakeAt;
    const { lives } = member;
    const wake = (): void => {
      if (member.lives !== lives || member.state !== "running" || member.wakeSetFor !== wakeAt) return;
      if (member.pausedUntil > this.now) {
        this.#queue.add(member.pausedUntil, wake);
        return;
      }
      member.wakeSetFor = Number.NaN;
      this.feed(member, { type: "wake", now: this.now });
    };
    // A step that asks to be called again at once is, after what already waits.
    this.#queue.add(Math.max(wakeAt, this.now), wake);
  }

  #sendPacket(from: SimulatedMember, to: Address, messages: readonly Message[]): void {
    this.packets++;
    for (const message of messages) this.bytes += sizeOf(message);
    if (this.#network.next() < (this.#options.loss ?? 0)) {
      this.lostPackets++;
      return;
    }
    const receiver = this.#at(to);
    if (receiver === undefined) return;
    this.#carry(from, receiver, () => {
      this.feed(receiver, { type: "receive", now: this.now, from: from.address, messages });
    });
  }

  /** Brings something to a member, when it may pass and once both sides let it. */
  #carry(from: SimulatedMember, to: SimulatedMember, deliver: () => void): void {
    if (!this.passes(from, to)) {
      this.cutPackets++;
      return;
    }
    const { lives } = to;
    const arrive = (): void => {
      // Timers come before input when an event loop goes on.
      const held = Math.max(to.pausedUntil > this.now ? to.pausedUntil + 0.001 : 0, to.slowUntil);
      if (to.lives !== lives || to.state !== "running") return;
      if (held > this.now) this.#queue.add(held, arrive);
      else deliver();
    };
    this.#queue.add(Math.max(this.now, from.slowUntil) + this.#latency(), arrive);
  }

  #openStream(
    from: SimulatedMember,
    exchange: number,
    to: Address,
    messages: readonly Message[],
    timeoutMs: number,
  ): void {
    this.streams++;
    const receiver = this.#at(to);
    const connection = ++this.#connections;
    this.#waiting.set(connection, { asker: from, life: from.lives, exchange });
    const reachable = receiver !== undefined && this.passes(from, receiver) && this.passes(receiver, from);
    // Nobody listens there: the refusal comes back at once. What is cut off takes the whole time.
    const refused = receiver === undefined || (reachable && receiver.state === "killed");
    this.#queue.add(this.now + (refused ? 2 * this.#latency() : timeoutMs), () => this.#endStream(connection));
    if (!reachable || refused) return;
    this.#carry(from, receiver, () => {
      this.feed(receiver, { type: "streamRequest", now: this.now, connection, messages });
    });
  }

  #answer(from: SimulatedMember, connection: number, messages: readonly Message[]): void {
    const { asker } = this.#waiting.get(connection) ?? {};
    if (asker === undefined) return;
    this.#carry(from, asker, () => {
      const waiting = this.#waiting.get(connection);
      if (waiting === undefined || waiting.life !== asker.lives) return;
      this.#waiting.delete(connection);
      this.feed(asker, { type: "streamAnswer", now: this.now, exchange: waiting.exchange, messages });
    });
  }

  #endStream(connection: number): void {
    const waiting = this.#waiting.get(connection);
    if (waiting === undefined) return;
    this.#waiting.delete(connection);
    const { asker, life, exchange } = waiting;
    if (asker.state !== "running" || asker.lives !== life) return;
    const fail = (): void => {
      if (asker.pausedUntil > this.now) this.#queue.add(asker.pausedUntil, fail);
      else this.feed(asker, { type: "streamFailed", now: this.now, exchange });
    };
    fail();
  }

  #at({ port }: Address): SimulatedMember | undefined {
    return this.members[port - firstPort];
  }

  #latency(): number {
    const [least, most] = this.#options.latencyMs ?? [0.5, 2];
    return least + this.#network.next() * (most - least);
  }
}
