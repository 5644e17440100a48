import type { Coordination } from "../../coordination/index.ts";

export interface RecordCall {
  readonly signal?: AbortSignal;
}

/** Records by key, as YCSB sees a database. What rejects has failed. */
export interface RecordStore {
  /** Undefined when there is no such record. */
  read(key: string, call?: RecordCall): Promise<Uint8Array | undefined>;
  /** Overwrites. */
  update(key: string, value: Uint8Array, call?: RecordCall): Promise<void>;
  insert(key: string, value: Uint8Array, call?: RecordCall): Promise<void>;
  /** How many records it found: at most `limit`, from this key on, in the order of keys. */
  scan(key: string, limit: number, call?: RecordCall): Promise<number>;
  /** Reads, then overwrites, as YCSB does: not one step, so of two at once one may be lost. */
  readModifyWrite(key: string, change: (value: Uint8Array | undefined) => Uint8Array, call?: RecordCall): Promise<void>;
}

export interface CoordinationRecordsOptions {
  /** Before every key; ends in an ASCII character below `~`. Default `load/`. */
  readonly prefix?: string;
}

/** The key-value model as a store of records; reads are linearizable. */
export function coordinationRecords(
  coordination: Pick<Coordination, "range" | "put">,
  { prefix = "load/" }: CoordinationRecordsOptions = {},
): RecordStore {
  const encoder = new TextEncoder();
  const keyOf = (key: string): Uint8Array => encoder.encode(prefix + key);
  const rangeEnd = endOf(encoder.encode(prefix));

  async function read(key: string, call: RecordCall = {}): Promise<Uint8Array | undefined> {
    return (await coordination.range({ key: keyOf(key) }, call)).pairs[0]?.value;
  }

  async function write(key: string, value: Uint8Array, call: RecordCall = {}): Promise<void> {
    await coordination.put({ key: keyOf(key), value }, call);
  }

  return {
    read,
    update: write,
    insert: write,
    async scan(key, limit, call = {}) {
      return (await coordination.range({ key: keyOf(key), rangeEnd, limit }, call)).pairs.length;
    },
    async readModifyWrite(key, change, call) {
      await write(key, change(await read(key, call)), call);
    },
  };
}

/** The first key after all that begin so. */
function endOf(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice();
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}
