import type { NodeId, PeerMessage, PeerTransport, PlantedBug } from "holdfast/consensus";
import { createMember, type InitialMember, type MemberOptions, type ReplicatedMember } from "holdfast/coordination";
import { falsePeerMessage, MessageTap, tappedTransport } from "holdfast/proof";
import type { Random, Runtime, SimulatedProcess, World } from "holdfast/runtime";
import { clusterId, memberId } from "../../packages/holdfast/src/coordination/member-identity.ts";
import { InvariantViolation } from "./invariant-violation.ts";
import type { Observed } from "./invariants.ts";
import type { Parameters } from "./parameters.ts";

/** One member of the cluster, through all its lives. */
export interface Slot {
  readonly name: string;
  /** The member's number; what the cluster gave it, when that added it. */
  id: NodeId;
  readonly process: SimulatedProcess;
  /** Where faults take hold of what it sends to its peers. */
  readonly tap: MessageTap<PeerMessage>;
  /** It votes and holds no state. */
  isWitness: boolean;
  /** Its disk is damaged: it refuses to start, and does not come back. */
  isLost: boolean;
  /** It is not to run: it has not joined yet, or has gone for good. */
  isOut: boolean;
  /** The cluster was asked to add it. */
  isExpected: boolean;
  /** Who else was in the cluster when it was about to join; none for one of the first. */
  joined: readonly Slot[];
  member: ReplicatedMember | undefined;
  observed: Observed | undefined;
  lives: number;
}

/** How long after a crash or failure a supervisor would have started the member again, at the earliest. */
const restartMs = 50;

/** A cluster of real members in a simulated world, and whoever starts them again. */
export class SimulatedCluster {
  readonly slots: Slot[];
  /** Whether answers to clients are still lost. */
  faulty = true;
  /** Told of everything that members send to each other, before faults are. */
  onSend: (message: PeerMessage) => void = () => undefined;
  readonly #byId: Map<NodeId, Slot>;
  readonly #world: World;
  readonly parameters: Parameters;
  readonly #plant: PlantedBug | undefined;

  constructor(
    world: World,
    parameters: Parameters,
    plant: PlantedBug | undefined,
    falsify: typeof falsePeerMessage = falsePeerMessage,
  ) {
    this.#world = world;
    this.parameters = parameters;
    this.#plant = plant;
    const names = memberNames(parameters);
    this.slots = names.map((name, at) => ({
      name,
      id: memberId({ name: "simulated", members: [] }, name),
      process: world.process(`10.0.0.${at + 1}`),
      tap: new MessageTap({ falsify, isReliable: true }),
      isWitness: at < parameters.members && at >= parameters.members - parameters.witnesses,
      isLost: false,
      isOut: at >= parameters.members,
      isExpected: false,
      joined: [],
      member: undefined,
      observed: undefined,
      lives: 0,
    }));
    this.#byId = new Map(this.slots.map((slot) => [slot.id, slot]));
  }

  slot(id: NodeId): Slot | undefined {
    return this.#byId.get(id);
  }

  get running(): Slot[] {
    return this.slots.filter((slot) => slot.member !== undefined);
  }

  /** The leader of the highest term among the running members. */
  get leader(): Slot | undefined {
    let found: Slot | undefined;
    for (const slot of this.running) {
      const raft = slot.member!.node.raft;
      if (raft.role === "leader" && (found === undefined || raft.term > found.member!.node.raft.term)) found = slot;
    }
    return found;
  }

  observed(): Observed[] {
    return this.slots.flatMap(({ observed }) => observed ?? []);
  }

  start(slot: Slot): void {
    if (slot.isOut) return;
    slot.lives++;
    slot.process.start((runtime) => this.#run(slot, runtime, slot.lives));
  }

  /** Ends a member's life: `power` cuts the machine's, `kill` ends the process alone. */
  stop(slot: Slot, how: "power" | "kill"): void {
    if (slot.isWitness && slot.member !== undefined) this.count("witness-down", slot);
    slot.member = undefined;
    slot.observed = undefined;
    if (how === "power") slot.process.crash();
    else slot.process.kill();
  }

  /** Starts the machine at an address that the cluster has added under a number of its own. */
  adopt(id: NodeId, host: string, others: readonly Slot[]): void {
    const slot = this.slots.find(({ isExpected, process }) => isExpected && process.host === host);
    if (slot === undefined) return;
    slot.isExpected = false;
    this.#byId.delete(slot.id);
    this.#byId.set(id, slot);
    slot.id = id;
    this.enlist(slot, others);
  }

  /** Starts a machine that is to become a member: it knows the others, and waits to be told that it is one of them. */
  enlist(slot: Slot, others: readonly Slot[]): void {
    slot.isOut = false;
    slot.joined = others;
    this.start(slot);
  }

  /** A member that has gone does not come back. */
  retire(slot: Slot, how: "power" | "kill"): void {
    slot.isOut = true;
    if (slot.process.state !== "crashed") this.stop(slot, how);
  }

  /** Asks a member something, when its process gets to it; without an answer when it has no more time to. */
  ask<T>(slot: Slot, call: (member: ReplicatedMember) => Promise<T>): Promise<T> {
    const { member } = slot;
    return new Promise((resolve, reject) => {
      if (member === undefined) return;
      slot.process.runtime.clock.defer(() => void call(member).then(resolve, reject));
    });
  }

  count(kind: string, slot?: Slot): void {
    this.#world.fault(kind, slot?.process.host ?? "");
  }

  async #run(slot: Slot, runtime: Runtime, life: number): Promise<void> {
    const parameters = this.parameters;
    let member: ReplicatedMember;
    try {
      member = await createMember({
        runtime,
        name: slot.name,
        directory: "/data",
        peer: { host: slot.process.host, port: 2380 },
        ...this.#place(slot),
        clientUrls: [],
        httpUrls: [],
        heartbeatMs: parameters.heartbeatMs,
        electionTimeoutMs: parameters.electionTimeoutMs,
        snapshotEntries: parameters.snapshotEntries,
        trailingEntries: parameters.trailingEntries,
        segmentBytes: parameters.segmentBytes,
        maxAppendBytes: parameters.maxAppendBytes,
        reads: parameters.reads,
        clockDriftRatio: parameters.clockDriftRatio,
        leases: { tickMs: 100, minTtlSeconds: 1 },
        wrapTransport: (transport) => this.#observedTransport(slot, transport, runtime),
        ...(this.#plant === undefined ? {} : { plant: this.#plant }),
      });
    } catch (error) {
      this.#onFailure(slot, life, error as Error);
      return;
    }
    slot.member = member;
    slot.observed = {
      name: slot.name,
      life,
      raft: member.node.raft,
      get now() {
        return runtime.clock.now();
      },
      get applied() {
        return member.node.applied;
      },
      get listenerFailures() {
        return member.node.listenerFailures;
      },
      get stateHash() {
        if (slot.isWitness) return undefined;
        const { stateHash, leases } = member.machine;
        return `${stateHash} ${leases.size} leases at ${leases.clockMs}`;
      },
    };
    this.#onFailure(slot, life, await member.failed);
  }

  /** Of the cluster's beginning, or of what is known to one that joins. */
  #place({ joined, id, ...slot }: Slot): Pick<MemberOptions, "cluster" | "join"> {
    const cluster = { name: "simulated", members: this.slots.slice(0, this.parameters.members).map(initialMember) };
    if (joined.length === 0) return { cluster };
    const members = [...joined, { ...slot, id }].map((one) => ({ ...initialMember(one), id: BigInt(one.id) }));
    return { join: { clusterId: clusterId(cluster), memberId: BigInt(id), members } };
  }

  #observedTransport(slot: Slot, transport: PeerTransport, { clock }: Runtime): PeerTransport {
    const tapped = tappedTransport(transport, {
      tap: slot.tap,
      clock,
      nameOf: (id) => this.#byId.get(id)?.name ?? String(id),
    });
    return {
      start: (handler) => tapped.start(handler),
      send: (message) => {
        this.onSend(message);
        tapped.send(message);
      },
      setPeers: (peers, removed) => tapped.setPeers(peers, removed),
      close: () => tapped.close(),
    };
  }

  /** A disk that fails may stop a member; anything else that does is a bug. */
  #onFailure(slot: Slot, life: number, error: Error): void {
    if (error instanceof InvariantViolation) throw error;
    if (this.#isDamaged(slot, error)) return;
    if ((error as { code?: unknown }).code === "MEMBER_REMOVED") {
      this.count("member-left", slot);
      this.retire(slot, "kill");
      return;
    }
    if (!isDiskFailure(error)) {
      throw new InvariantViolation(
        "members do not stop by themselves",
        `${slot.name}: ${error.stack ?? error.message}`,
      );
    }
    this.count("member-stopped", slot);
    this.#world.clock.setTimer(restartMs, () => {
      if (slot.lives !== life || slot.process.state === "crashed") return;
      this.stop(slot, "kill");
      this.start(slot);
    });
  }

  /** A log in which a fault has turned bits may refuse to be read. */
  #isDamaged(slot: Slot, error: Error): boolean {
    const isDamaged = (error as { code?: unknown }).code === "LOG_CORRUPT" && (this.#world.faults["bit-rot"] ?? 0) > 0;
    if (!isDamaged) return false;
    this.count("member-lost", slot);
    this.stop(slot, "kill");
    slot.isLost = true;
    return true;
  }
}

/** Those that the cluster starts with, and those that may join it. */
export function memberNames({ members, spares }: Pick<Parameters, "members" | "spares">): string[] {
  return Array.from({ length: members + spares }, (_, at) => `n${at}`);
}

function initialMember({ name, process, isWitness }: Pick<Slot, "name" | "process" | "isWitness">): InitialMember {
  return { name, peer: { host: process.host, port: 2380 }, isWitness };
}

function isDiskFailure(error: Error): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (code === "EIO" || code === "ENOSPC") return true;
  }
  return false;
}

export function drawOne<T>(random: Random, values: readonly T[]): T | undefined {
  return values.length === 0 ? undefined : values[random.integer(0, values.length - 1)];
}
