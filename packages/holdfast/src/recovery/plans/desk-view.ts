import {
  followRange,
  type Coordination,
  type FollowOptions,
  type KeyValue,
  type WatchEvent,
} from "../../coordination/index.ts";
import { decodeRequest, type PlanRequest } from "./execution-record.ts";
import type { PlanKeys } from "./execution-keys.ts";

/** A request that lies in the store; one that cannot be read is there to be removed. */
export interface DeskRequest {
  readonly key: Uint8Array;
  readonly revision: number;
  readonly request: PlanRequest | undefined;
}

export interface DeskOwner {
  readonly name: string;
  readonly token: number;
}

/** What changed in the view of one execution; `reset` of all of them: some may have come and gone unseen. */
export type DeskChange = "open" | "over" | "owned" | "free" | "request" | "reset";

const decoder = new TextDecoder();

/** Which executions are not over, who has them, and what people ask for; kept by a watch. */
export class DeskView {
  /** Plans by execution. */
  readonly active: Map<string, string> = new Map();
  readonly owners: Map<string, DeskOwner> = new Map();
  readonly #requests = new Map<string, Map<string, DeskRequest>>();
  readonly #keys: PlanKeys;
  readonly #onChange: (id: string, change: DeskChange) => void;

  constructor(keys: PlanKeys, onChange: (id: string, change: DeskChange) => void) {
    this.#keys = keys;
    this.#onChange = onChange;
  }

  requestsOf(id: string): readonly DeskRequest[] {
    return [...(this.#requests.get(id)?.values() ?? [])];
  }

  /** Follows the desk until the signal fires: all of it now, then every change, with nothing left out between. */
  async follow(coordination: Coordination, options: Omit<FollowOptions, "stoppedMs">): Promise<void> {
    for await (const step of followRange(coordination, this.#keys.desk, { ...options, stoppedMs: Infinity })) {
      if (step.type === "state") this.#replace(step.pairs);
      // All of it first: what was put and claimed in one transaction was never free.
      else for (const told of step.events.flatMap((event) => this.#apply(event))) this.#onChange(...told);
    }
  }

  #replace(pairs: readonly KeyValue[]): void {
    const gone = [...this.active.keys()];
    this.active.clear();
    this.owners.clear();
    this.#requests.clear();
    for (const pair of pairs) this.#put(pair);
    this.#onChange("", "reset");
    for (const id of gone) if (!this.active.has(id)) this.#onChange(id, "over");
    for (const id of this.active.keys()) this.#onChange(id, this.owners.has(id) ? "owned" : "free");
    for (const id of this.#requests.keys()) this.#onChange(id, "request");
  }

  #apply({ type, pair }: WatchEvent): [id: string, change: DeskChange][] {
    const place = this.#keys.placeOf(pair.key);
    if (place === undefined) return [];
    const { part, id, rest } = place;
    if (type === "put") {
      this.#put(pair);
      return [[id, part === "active" ? "open" : part === "owners" ? "owned" : "request"]];
    }
    if (part === "active") return this.active.delete(id) ? [[id, "over"]] : [];
    if (part === "owners") return this.owners.delete(id) ? [[id, "free"]] : [];
    const requests = this.#requests.get(id);
    requests?.delete(rest);
    if (requests?.size === 0) this.#requests.delete(id);
    return [];
  }

  #put({ key, value, createRevision, modRevision }: KeyValue): void {
    const place = this.#keys.placeOf(key);
    if (place === undefined) return;
    const { part, id, rest } = place;
    if (part === "active") this.active.set(id, decoder.decode(value));
    else if (part === "owners") this.owners.set(id, { name: decoder.decode(value), token: createRevision });
    else if (part === "requests") {
      const requests = this.#requests.get(id) ?? new Map<string, DeskRequest>();
      this.#requests.set(id, requests.set(rest, { key, revision: modRevision, request: decodeRequest(value) }));
    }
  }
}
