import { HoldfastError, InvalidArgumentError } from "../errors/base.ts";
import type { Address, Timer } from "../runtime/index.ts";
import { sizeOf } from "./codec.ts";
import { addressKey, mergePackets } from "./driver-batch.ts";
import { EventFeed, type MembershipListener } from "./driver-events.ts";
import { JoinWaits } from "./driver-join.ts";
import { joinSeeds } from "./driver-seeds.ts";
import type { Member } from "./member.ts";
import { checkAddresses, type MembershipSettings } from "./membership-node-options.ts";
import type { Membership, MembershipMetrics } from "./membership-node.ts";
import { PacketCodec } from "./packet.ts";
import type { Effects, MembershipEvent } from "./swim-effects.ts";
import type { Input } from "./swim-input.ts";
import { checkMeta } from "./swim-settings.ts";
import { step } from "./swim-step.ts";
import { createSwim, membersOf, type Swim } from "./swim.ts";
import { noTransportMetrics, type TransportMetrics } from "./transport-metrics.ts";
import { openTransport, type Transport } from "./transport.ts";

/** Turns of the event loop given to what waits after a stall: Node takes 32 datagrams a turn. */
const maxDrainTurns = 256;

/** Performs what the core asks for: one timer, and everything else as it comes. */
class MembershipDriver implements Membership {
  readonly failed: Promise<Error>;
  readonly #settings: MembershipSettings;
  readonly #transport: Transport;
  readonly #traffic: TransportMetrics;
  readonly #swim: Swim;
  readonly #packetBudget: number;
  readonly #events = new EventFeed();
  readonly #joins = new JoinWaits();
  #departed: PromiseWithResolvers<void> | undefined;
  /** Inputs from inside another's effects: a listener that calls us, mostly. */
  readonly #pending: Input[] = [];
  #isBusy = false;
  #received = 0;
  #timer: Timer | undefined;
  #timerDue = Infinity;
  #isDraining = false;
  #longestStallMs = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  readonly #ended = new AbortController();
  #fail: (error: Error) => void = () => undefined;

  constructor(settings: MembershipSettings, transport: Transport, traffic: TransportMetrics, overheadBytes: number) {
    const { runtime, name, host, meta, profile, timing, onEvent } = settings;
    this.#settings = settings;
    this.#transport = transport;
    this.#traffic = traffic;
    this.#packetBudget = settings.packetBytes - overheadBytes;
    this.failed = new Promise((resolve) => (this.#fail = resolve));
    if (onEvent !== undefined) this.#events.subscribe(onEvent);
    this.#swim = createSwim({
      ...timing,
      profile,
      name,
      host,
      port: transport.address.port,
      meta,
      random: runtime.random.fork("membership"),
      sizeOf,
      maxPacketBytes: this.#packetBudget,
      now: runtime.clock.now(),
    });
    this.#arm();
  }

  get name(): string {
    return this.#settings.name;
  }

  get address(): Address {
    return { host: this.#settings.host, port: this.#transport.address.port };
  }

  get metrics(): MembershipMetrics {
    return {
      ...this.#traffic,
      dropped: { ...this.#traffic.dropped },
      ...this.#swim.counts,
      members: this.#swim.live,
      localHealth: this.#swim.health.score,
      longestStallMs: this.#longestStallMs,
      listenerFailures: this.#events.failures,
    };
  }

  members(): readonly Member[] {
    return membersOf(this.#swim);
  }

  heardMsAgo(name: string): number | undefined {
    if (name === this.name) return 0;
    const record = this.#swim.records.get(name);
    return record && Math.max(0, this.#now() - record.heardAt);
  }

  unansweredMs(name: string): number | undefined {
    const unansweredAt = this.#swim.records.get(name)?.unansweredAt;
    return unansweredAt === undefined ? undefined : Math.max(0, this.#now() - unansweredAt);
  }

  async join(addresses: readonly Address[], options?: { readonly signal?: AbortSignal }): Promise<number> {
    checkAddresses("membership.join addresses", addresses);
    if (addresses.length === 0)
      throw new InvalidArgumentError("membership.join addresses", "must not be empty", addresses);
    this.#checkOpen("join");
    const answers = this.#joins.wait(addresses, options?.signal);
    this.take({ type: "join", now: this.#now(), addresses });
    return answers;
  }

  /** Begins to work, and to look for its seeds. */
  start(): void {
    const { runtime, seeds } = this.#settings;
    const own = addressKey(this.address);
    this.take({ type: "wake", now: this.#now() });
    void joinSeeds({
      // Every member may be given the same list.
      seeds: seeds.filter((seed) => addressKey(seed) !== own),
      clock: runtime.clock,
      random: runtime.random.fork("seeds"),
      join: (addresses) => this.join(addresses),
      isAlone: () => this.#swim.live === 1,
      signal: this.#ended.signal,
    });
  }

  leave(): Promise<void> {
    if (this.#departed === undefined) {
      this.#ended.abort();
      this.#departed = Promise.withResolvers();
      if (this.#isClosed) this.#departed.resolve();
      else this.take({ type: "leave", now: this.#now() });
    }
    return this.#departed.promise;
  }

  broadcast(payload: Uint8Array): void {
    this.#checkOpen("broadcast");
    // The core gives it an id, of at most three bytes for each unit of the name, and a little.
    const id = "x".repeat(this.name.length * 3 + 24);
    const room = this.#packetBudget - sizeOf({ type: "user", id, payload: new Uint8Array(0) });
    // Beyond 127 bytes, two lengths take one byte more each.
    const maxBytes = room - 2;
    if (!(payload instanceof Uint8Array) || payload.length > maxBytes) {
      const got = payload instanceof Uint8Array ? payload.length : typeof payload;
      throw new InvalidArgumentError("membership.broadcast payload length", `must be at most ${maxBytes} bytes`, got);
    }
    this.take({ type: "broadcast", now: this.#now(), payload: payload.slice() });
  }

  updateMeta(meta: Uint8Array): void {
    this.#checkOpen("updateMeta");
    checkMeta(this.#swim.settings, meta);
    this.take({ type: "updateMeta", now: this.#now(), meta: meta.slice() });
  }

  subscribe(listener: MembershipListener): () => void {
    return this.#events.subscribe(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop(undefined);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Gives the core an input, and performs what it asks for. Not for users. */
  take(input: Input): void {
    if (this.#isClosed) return;
    this.#received++;
    this.#pending.push(input);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let next = this.#pending.shift(); next !== undefined && !this.#isClosed; next = this.#pending.shift()) {
        this.#perform(step(this.#swim, next));
        if (next.type === "streamRequest") this.#transport.release(next.connection);
      }
    } catch (error) {
      // A core that contradicts itself must not go on accusing others.
      this.#closing ??= this.#stop(error as Error);
    } finally {
      this.#isBusy = false;
    }
    this.#arm();
  }

  #perform(effects: Effects): void {
    for (const packet of mergePackets(effects.packets, this.#packetBudget, sizeOf)) this.#transport.send(packet);
    for (const reply of effects.replies) this.#transport.reply(reply);
    for (const request of effects.streams) this.#transport.request(request);
    if (effects.drain) this.#drain();
    for (const event of effects.events) this.#tell(event);
  }

  #tell(event: MembershipEvent): void {
    if (event.type === "stalled") this.#longestStallMs = Math.max(this.#longestStallMs, event.lagMs);
    if (event.type === "departed") {
      this.#departed?.resolve();
      this.#joins.close();
    }
    this.#joins.onEvent(event);
    this.#events.emit(event);
  }

  /** One timer, for the first thing the core waits for. */
  #arm(): void {
    const { wakeAt } = this.#swim;
    if (this.#isClosed || this.#isDraining || (this.#timer !== undefined && wakeAt >= this.#timerDue)) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (wakeAt === Infinity) return;
    this.#timerDue = wakeAt;
    this.#timer = this.#settings.runtime.clock.setTimer(Math.max(0, wakeAt - this.#now()), () => {
      this.#timer = undefined;
      // What it was set for may be off, or put off.
      if (this.#now() >= this.#swim.wakeAt) this.take({ type: "wake", now: this.#now() });
      else this.#arm();
    });
  }

  /** After a stall: whatever waits in the sockets is read before anybody is judged. */
  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    let turns = 0;
    const turn = (before: number): void => {
      if (this.#isClosed) return;
      if (this.#received > before && ++turns < maxDrainTurns) {
        this.#nextTurn(turn);
        return;
      }
      this.#isDraining = false;
      this.take({ type: "wake", now: this.#now() });
    };
    // The turn in which the stall ended may have read its input before: only a whole turn without any counts.
    this.#nextTurn(() => this.#nextTurn(turn));
  }

  #nextTurn(turn: (receivedBefore: number) => void): void {
    const before = this.#received;
    this.#settings.runtime.clock.defer(() => turn(before));
  }

  async #stop(error: Error | undefined): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#pending.length = 0;
    this.#ended.abort();
    this.#joins.close();
    this.#departed?.resolve();
    if (error !== undefined) this.#fail(error);
    await this.#transport.close();
  }

  #now(): number {
    return this.#settings.runtime.clock.now();
  }

  #checkOpen(call: string): void {
    if (!this.#isClosed && this.#departed === undefined) return;
    throw new HoldfastError(`${call}: member ${this.name} has left or is closed`, { code: "STOPPED", kind: "system" });
  }
}

/** Opens the port, and gives the member what arrives at it. */
export async function startMembership(settings: MembershipSettings): Promise<Membership> {
  const { runtime, port, listenHost, label, keyring, maxClockSkewMs, timing, maxStreamBytes } = settings;
  const { clock, network } = runtime;
  const metrics = noTransportMetrics();
  const codec = new PacketCodec({
    label,
    keyring,
    maxClockSkewMs,
    wallTime: () => clock.wallTime(),
    onDrop: (reason) => metrics.dropped[reason]++,
  });
  let driver: MembershipDriver | undefined;
  const transport = await openTransport({
    network,
    clock,
    codec,
    metrics,
    listen: { host: listenHost, port },
    streamTimeoutMs: timing.streamTimeoutMs,
    maxStreamBytes,
    handler: {
      // What comes before there is a member is lost, as if it had come before the port was open.
      onPacket: (from, messages) => driver?.take({ type: "receive", now: clock.now(), from, messages }),
      onRequest(connection, messages) {
        if (driver === undefined) transport.release(connection);
        else driver.take({ type: "streamRequest", now: clock.now(), connection, messages });
      },
      onAnswer: (exchange, messages) => {
        driver?.take({ type: "streamAnswer", now: clock.now(), exchange, messages });
      },
      onFailed: (exchange) => driver?.take({ type: "streamFailed", now: clock.now(), exchange }),
    },
  });
  try {
    driver = new MembershipDriver(settings, transport, metrics, codec.overheadBytes);
  } catch (error) {
    await transport.close();
    throw error;
  }
  driver.start();
  return driver;
}
