import type { GroupRecord } from "./error-group.ts";
import type { ErrorIdentity, FingerprintKey } from "./fingerprint.ts";

/**
 * The groups by key, at most so many: the oldest that was not seen lately is forgotten first (CLOCK, or second chance), and
 * its record serves the next. A flood of distinct errors passes through the places that nobody comes back to.
 */
export class GroupTable {
  readonly #maxGroups: number;
  readonly #groups = new Map<FingerprintKey, GroupRecord>();
  readonly #ring: GroupRecord[] = [];
  readonly #make: (key: FingerprintKey, identity: ErrorIdentity) => GroupRecord;
  readonly #onForget: (group: GroupRecord) => void;
  #hand = 0;
  forgotten = 0;

  constructor(
    maxGroups: number,
    make: (key: FingerprintKey, identity: ErrorIdentity) => GroupRecord,
    onForget: (group: GroupRecord) => void,
  ) {
    this.#maxGroups = maxGroups;
    this.#make = make;
    this.#onForget = onForget;
  }

  get size(): number {
    return this.#groups.size;
  }

  get(key: FingerprintKey): GroupRecord | undefined {
    return this.#groups.get(key);
  }

  all(): Iterable<GroupRecord> {
    return this.#groups.values();
  }

  /** The group of a key: the one there is, or one made for it. */
  take(key: FingerprintKey, identity: ErrorIdentity): GroupRecord {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    let group: GroupRecord;
    if (this.#ring.length < this.#maxGroups) {
      group = this.#make(key, identity);
      this.#ring.push(group);
    } else {
      group = this.#oldest();
      this.#onForget(group);
      this.#groups.delete(group.key);
      this.forgotten++;
      group.reuse(key, identity);
    }
    this.#groups.set(key, group);
    return group;
  }

  /** The next that was seen only once since the hand came by; after one round all have lost their second chance. */
  #oldest(): GroupRecord {
    for (;;) {
      const group = this.#ring[this.#hand] as GroupRecord;
      this.#hand = (this.#hand + 1) % this.#ring.length;
      if (!group.recent) return group;
      group.recent = false;
    }
  }
}
