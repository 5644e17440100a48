import type { Gossip, Message } from "./message.ts";

interface Item {
  /** What it is about: a later item about the same replaces it. */
  readonly topic: string;
  readonly message: Gossip;
  readonly bytes: number;
  /** 0 is urgent, 1 ordinary. */
  readonly urgency: 0 | 1;
  transmits: number;
}

/** How many items that do not fit are passed over in the search for a smaller one. */
const maxMisfits = 16;

/**
 * News to pass on, each a limited number of times: what was passed on least goes first, then what has waited longest;
 * urgent news before all other. A packet takes as much as it has room for.
 */
export class GossipQueue {
  readonly #maxBroadcasts: number;
  readonly #byTopic = new Map<string, Item>();
  /** For each urgency, by transmits; sets keep the order of arrival. */
  readonly #buckets: readonly [Set<Item>[], Set<Item>[]] = [[], []];
  #broadcasts = 0;
  #dropped = 0;

  constructor(maxBroadcasts: number) {
    this.#maxBroadcasts = maxBroadcasts;
  }

  get size(): number {
    return this.#byTopic.size;
  }

  /** User broadcasts that had to go before they were passed on often enough. */
  get dropped(): number {
    return this.#dropped;
  }

  has(topic: string): boolean {
    return this.#byTopic.has(topic);
  }

  add(message: Gossip, bytes: number, urgent = false): void {
    const topic = topicOf(message);
    this.forget(topic);
    const item: Item = { topic, message, bytes, urgency: urgent ? 0 : 1, transmits: 0 };
    this.#byTopic.set(topic, item);
    this.#put(item);
    if (message.type === "user" && ++this.#broadcasts > this.#maxBroadcasts) this.#dropMostTravelled();
  }

  forget(topic: string): void {
    const item = this.#byTopic.get(topic);
    if (item === undefined) return;
    this.#byTopic.delete(topic);
    this.#buckets[item.urgency][item.transmits]?.delete(item);
    if (item.message.type === "user") this.#broadcasts--;
  }

  /**
   * Adds news to `messages` while there is room; each has then been passed on once more, and goes for good at `limit`.
   * Returns the bytes added.
   */
  take(messages: Message[], roomBytes: number, limit: number): number {
    if (this.#byTopic.size === 0) return 0;
    const taken: Item[] = [];
    let room = roomBytes;
    let misfits = 0;
    for (const buckets of this.#buckets) {
      for (const bucket of buckets) {
        for (const item of bucket) {
          if (misfits >= maxMisfits) break;
          if (item.bytes > room) {
            misfits++;
            continue;
          }
          bucket.delete(item);
          room -= item.bytes;
          messages.push(item.message);
          taken.push(item);
        }
      }
    }
    // Only now: what was taken must not be met again in the next bucket.
    for (const item of taken) {
      if (++item.transmits < limit) this.#put(item);
      else this.forget(item.topic);
    }
    return roomBytes - room;
  }

  #put(item: Item): void {
    const buckets = this.#buckets[item.urgency];
    while (buckets.length <= item.transmits) buckets.push(new Set());
    buckets[item.transmits]!.add(item);
  }

  #dropMostTravelled(): void {
    const buckets = this.#buckets[1];
    for (let transmits = buckets.length - 1; transmits >= 0; transmits--) {
      for (const item of buckets[transmits]!) {
        if (item.message.type !== "user") continue;
        this.#dropped++;
        this.forget(item.topic);
        return;
      }
    }
  }
}

/** All updates about one member are one topic: only the latest is worth passing on. */
export function topicOf(message: Gossip): string {
  return message.type === "user" ? `user ${message.id}` : `member ${message.name}`;
}
