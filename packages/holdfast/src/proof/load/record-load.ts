import { checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { BusinessError } from "../../errors/index.ts";
import type { Random } from "../../runtime/index.ts";
import { keyChooser, type KeyDistribution } from "./key-distribution.ts";
import type { LoadCall } from "./load-options.ts";
import { payloadSource, type PayloadSize } from "./payload.ts";
import type { RecordStore } from "./record-store.ts";
import type { RecordOperation, RecordWorkload } from "./ycsb-workloads.ts";

export interface RecordLoadOptions {
  readonly workload: RecordWorkload;
  /** At least one; a call's client decides which. */
  readonly stores: readonly RecordStore[];
  readonly random: Random;
  /** How many there are at first. Default 1 000. */
  readonly records?: number;
  /** How many a run may add, about: `keyChooser`'s capacity beyond `records`. Default `records`. */
  readonly expectedInserts?: number;
  /** Default: 1 000 bytes, as YCSB's ten fields of a hundred. */
  readonly payload?: PayloadSize;
  /** Default: the workload's. */
  readonly keys?: KeyDistribution;
}

export const defaultRecordLoadOptions: Required<Pick<RecordLoadOptions, "records" | "payload">> = {
  records: 1_000,
  payload: { type: "constant", bytes: 1_000 },
};

export interface PreloadOptions {
  /** Default 16. */
  readonly atOnce?: number;
  readonly signal?: AbortSignal;
}

/** A workload on a store. */
export interface RecordLoad {
  /** Writes the records that are there at first, so many at once. Rejects with the first error. */
  preload(options?: PreloadOptions): Promise<void>;
  /** For `runLoad`: one operation of the mix, named `read`, `update`, `insert`, `scan` or `readModifyWrite`. */
  readonly operation: (call: LoadCall) => Promise<void>;
}

/**
 * A mix of operations on records, as YCSB has them. Records that a run inserts are asked for once they are acknowledged.
 *
 * @throws InvalidArgumentError naming the option that breaks its rule
 * @example
 * const load = recordLoad({ workload: ycsbWorkloads.a, stores: [coordinationRecords(cluster)], random });
 * await load.preload();
 * const report = await runLoad({ clock, random, operation: load.operation, ratePerSecond: 500, durationMs: 10_000 });
 */
export function recordLoad(options: RecordLoadOptions): RecordLoad {
  const { workload, stores, random, records, expectedInserts, payload, keys } = checkRecordLoad(options);
  const chooser = keyChooser(keys, { random, capacity: records + expectedInserts });
  const payloads = payloadSource(payload, random);
  const own = random.fork("operations");
  /** Numbers of the records that this run inserted, in the order of acknowledgement. */
  const inserted: number[] = [];
  let nextNumber = records;

  const mix = (Object.entries(workload.mix) as [RecordOperation, number][]).filter(([, share]) => share > 0);

  function drawOperation(): RecordOperation {
    let left = own.next();
    // Shares that add up to a little less than 1 leave the rest to the last.
    return (mix.find(([, share]) => (left -= share) < 0) ?? mix.at(-1)!)[0];
  }

  function existingKey(): string {
    const index = chooser.next(records + inserted.length);
    return keyOf(index < records ? index : inserted[index - records]!);
  }

  async function operation(call: LoadCall): Promise<void> {
    const store = stores[call.client % stores.length]!;
    const { signal } = call;
    const name = drawOperation();
    call.name = name;
    switch (name) {
      case "read": {
        const key = existingKey();
        if ((await store.read(key, { signal })) === undefined) throw missing(key);
        return;
      }
      case "update":
        return store.update(existingKey(), payloads.next(), { signal });
      case "insert": {
        const number = nextNumber++;
        await store.insert(keyOf(number), payloads.next(), { signal });
        inserted.push(number);
        return;
      }
      case "scan":
        await store.scan(existingKey(), own.integer(1, workload.maxScanRecords ?? 100), { signal });
        return;
      case "readModifyWrite": {
        const key = existingKey();
        return store.readModifyWrite(
          key,
          (value) => {
            if (value === undefined) throw missing(key);
            return payloads.next();
          },
          { signal },
        );
      }
    }
  }

  async function preload({ atOnce = 16, signal }: PreloadOptions = {}): Promise<void> {
    let next = 0;
    const call = signal === undefined ? {} : { signal };
    const loop = async (client: number): Promise<void> => {
      while (next < records) {
        signal?.throwIfAborted();
        await stores[client % stores.length]!.insert(keyOf(next++), payloads.next(), call);
      }
    };
    try {
      await Promise.all(Array.from({ length: atOnce }, (_, client) => loop(client)));
    } finally {
      // After an error the other loops have nothing left to do.
      next = records;
    }
  }

  return { preload, operation };
}

/** In the order of YCSB's keys, so that a scan finds neighbours. */
function keyOf(number: number): string {
  return `user${String(number).padStart(12, "0")}`;
}

function missing(key: string): BusinessError {
  return new BusinessError(`there is no record ${key}`, { code: "NOT_FOUND", effect: "none" });
}

const operations: readonly string[] = ["read", "update", "insert", "scan", "readModifyWrite"];

function checkRecordLoad(options: RecordLoadOptions): Required<RecordLoadOptions> {
  checkOptionNames("recordLoad", options, [
    "workload",
    "stores",
    "random",
    "records",
    "expectedInserts",
    "payload",
    "keys",
  ]);
  const settings = { ...defaultRecordLoadOptions, keys: options.workload?.keys, ...options };
  const { workload, stores, records, expectedInserts = records } = settings;
  if (!Array.isArray(stores) || stores.length === 0) {
    throw new InvalidArgumentError("recordLoad.stores", "must be a list of at least one", stores);
  }
  checkInteger("recordLoad.records", records, 1, 1e9);
  checkInteger("recordLoad.expectedInserts", expectedInserts, 0, 2 ** 30 - records);
  const mix = workload?.mix as Readonly<Record<string, number>> | undefined;
  checkOptionNames("recordLoad.workload.mix", mix as object, operations);
  let sum = 0;
  for (const [name, share] of Object.entries(mix!)) sum += checkNumber(`recordLoad.workload.mix.${name}`, share, 0, 1);
  if (Math.abs(sum - 1) > 1e-9) throw new InvalidArgumentError("recordLoad.workload.mix", "must add up to 1", mix);
  return { ...settings, expectedInserts };
}
