import type { Alarm, AlarmType } from "./cluster.ts";
import type { ClusterChange, ClusterChangeResponse, ClusterRequest } from "./cluster-change.ts";
import { CoordinationError } from "../coordination-error.ts";

/** What was said of a member when it was added or updated: of where it is reached, this counts. */
export interface ToldMember {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
}

export interface CapturedCluster {
  readonly asks: readonly (readonly [number, ClusterRequest])[];
  readonly told: readonly ToldMember[];
  readonly removed: readonly bigint[];
  readonly alarms: readonly Alarm[];
}

/** Questions to the leader that wait at once, of all members together. */
const maxAsks = 64;

/**
 * What the replicated state knows of the cluster beside its configuration: who has left for good, what was said of
 * members, which alarms are raised, and what the leader is still to do.
 */
export class ClusterState {
  readonly #asks = new Map<number, ClusterRequest>();
  readonly #told = new Map<bigint, ToldMember>();
  readonly #removed = new Set<bigint>();
  readonly #alarms = new Map<string, Alarm>();
  #raised: Readonly<Record<AlarmType, boolean>> = { NOSPACE: false, CORRUPT: false };

  /** In the order they came. */
  get asks(): ReadonlyMap<number, ClusterRequest> {
    return this.#asks;
  }

  get told(): ReadonlyMap<bigint, ToldMember> {
    return this.#told;
  }

  /** Their ids are never used again. */
  get removed(): ReadonlySet<bigint> {
    return this.#removed;
  }

  /** By member and type. */
  get alarms(): readonly Alarm[] {
    return [...this.#alarms.values()].sort((a, b) =>
      a.member === b.member ? (a.type < b.type ? 1 : -1) : a.member < b.member ? -1 : 1,
    );
  }

  get isAlarmed(): boolean {
    return this.#alarms.size > 0;
  }

  isRaised(type: AlarmType): boolean {
    return this.#raised[type];
  }

  /** @throws CoordinationError TOO_MANY_REQUESTS */
  change(change: ClusterChange): ClusterChangeResponse {
    switch (change.type) {
      case "ask":
        if (this.#asks.size >= maxAsks) throw new CoordinationError("TOO_MANY_REQUESTS");
        this.#asks.set(change.number, change.request);
        return {};
      case "answer":
        return this.#answer(change);
      case "removed":
        for (const id of change.ids) this.#remove(id);
        return {};
      default: {
        const { member, type } = change.alarm;
        if (change.type === "raiseAlarm") this.#alarms.set(`${member} ${type}`, change.alarm);
        else this.#alarms.delete(`${member} ${type}`);
        this.#note();
        return {};
      }
    }
  }

  capture(): CapturedCluster {
    const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : 1);
    return {
      asks: [...this.#asks],
      told: [...this.#told.values()].sort((a, b) => ascending(a.id, b.id)),
      removed: [...this.#removed].sort(ascending),
      alarms: this.alarms,
    };
  }

  restore({ asks, told, removed, alarms }: CapturedCluster): void {
    this.#asks.clear();
    this.#told.clear();
    this.#removed.clear();
    this.#alarms.clear();
    for (const [number, request] of asks) this.#asks.set(number, request);
    for (const member of told) this.#told.set(member.id, member);
    for (const id of removed) this.#removed.add(id);
    for (const alarm of alarms) this.#alarms.set(`${alarm.member} ${alarm.type}`, alarm);
    this.#note();
  }

  #answer({ number, refused }: Extract<ClusterChange, { type: "answer" }>): ClusterChangeResponse {
    const request = this.#asks.get(number);
    if (request === undefined) return {};
    this.#asks.delete(number);
    if (refused === undefined) this.#carriedOut(request);
    return { answers: { number, refused } };
  }

  #carriedOut(request: ClusterRequest): void {
    const { type, id } = request;
    if (type === "memberRemove") this.#remove(id);
    // It may have been removed since.
    else if (this.#removed.has(id)) return;
    else if (type === "memberAdd") this.#told.set(id, { id, name: request.name, peerUrls: request.peerUrls });
    else if (type === "memberUpdate") {
      this.#told.set(id, { id, name: this.#told.get(id)?.name ?? "", peerUrls: request.peerUrls });
    }
  }

  #remove(id: bigint): void {
    this.#removed.add(id);
    this.#told.delete(id);
    for (const [key, { member }] of this.#alarms) if (member === id) this.#alarms.delete(key);
    this.#note();
  }

  #note(): void {
    const types = new Set([...this.#alarms.values()].map(({ type }) => type));
    this.#raised = { NOSPACE: types.has("NOSPACE"), CORRUPT: types.has("CORRUPT") };
  }
}
