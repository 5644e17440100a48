import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { StepFailure, type StepContext, type StepExecutor } from "../../recovery/index.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { prefixPattern, redisCommand, type RedisClient, type RedisCommand } from "./redis-commands.ts";

export interface CacheClearOptions {
  /** One server, as one logical database of it. */
  readonly client?: RedisClient;
  /** Instead: the primaries of a cluster, asked for at each try, as they change. */
  readonly nodes?: () => readonly RedisClient[] | Promise<readonly RedisClient[]>;
  /** Keys that the server looks at in one go. Default 500. */
  readonly batch?: number;
  /** Of each server, looked at or removed. Default 100 000. */
  readonly keysPerSecond?: number;
  /** The type of its steps. Default `cache-clear`. */
  readonly type?: string;
  readonly clock?: Pick<Clock, "now" | "sleep">;
}

export const cacheClearDefaults: { readonly batch: number; readonly keysPerSecond: number } = {
  batch: 500,
  keysPerSecond: 100_000,
};

/** Keys of a cluster that are removed at the same time: they may be of different slots, and each needs a command. */
const atOnce = 100;

/**
 * Steps of the type `cache-clear`: remove all keys with a `prefix`, or `everything` in the database, while others use it:
 * with SCAN and UNLINK in small batches at a limited rate, never KEYS or FLUSH. What was there all the time is removed;
 * what is written meanwhile may stay. Output: `removed`, `batches`. Nothing is to be undone: a cache fills again.
 *
 * @example
 * createOrchestrator({ coordination, executors: [cacheClear({ client: new Redis() })] });
 */
export function cacheClear(options: CacheClearOptions): StepExecutor {
  checkOptionNames("cacheClear", options, ["client", "nodes", "batch", "keysPerSecond", "type", "clock"]);
  const { client, nodes, type = "cache-clear", clock = systemClock } = options;
  const { batch = cacheClearDefaults.batch, keysPerSecond = cacheClearDefaults.keysPerSecond } = options;
  checkInteger("cacheClear.batch", batch, 1, 100_000);
  checkNumber("cacheClear.keysPerSecond", keysPerSecond, 1, Infinity);
  checkFunction("cacheClear.nodes", nodes);
  if ((client === undefined) === (nodes === undefined)) {
    throw new InvalidArgumentError("cacheClear", "must have either client or nodes", Object.keys(options));
  }
  if (client !== undefined) redisCommand("cacheClear.client", client);
  return {
    type,
    parameters: {
      prefix: {
        type: "text",
        check: (prefix) => (prefix === "" ? "must not be empty; say everything: true" : undefined),
      },
      everything: { type: "flag" },
    },
    check: ({ prefix, everything }) =>
      (prefix !== undefined) === (everything === true) ? "must have either prefix or everything: true" : undefined,
    outputs: ["removed", "batches"],
    changes: false,
    errorKind: "cache",
    async run(context) {
      const prefix = (context.parameters["prefix"] ?? "") as string;
      const pace = { batch, keysPerSecond, clock, signal: context.signal };
      const clients = client === undefined ? await nodes!() : [client];
      if (clients.length === 0) throw new StepFailure("cache", "the cluster has no primaries");
      // One after the other: what they do together is a load, too.
      let total: Cleared = { removed: 0, batches: 0 };
      for (const each of clients) {
        const command = redisCommand("cacheClear.nodes", each);
        total = sum(total, await clear(command, prefix, { ...pace, isCluster: client === undefined }));
      }
      return { ...total };
    },
  };
}

interface Cleared {
  readonly removed: number;
  readonly batches: number;
}

interface Pace {
  readonly batch: number;
  readonly keysPerSecond: number;
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly signal: StepContext["signal"];
  readonly isCluster: boolean;
}

const sum = (left: Cleared, right: Cleared): Cleared => ({
  removed: left.removed + right.removed,
  batches: left.batches + right.batches,
});

async function clear(command: RedisCommand, prefix: string, pace: Pace): Promise<Cleared> {
  const { batch, keysPerSecond, clock, signal, isCluster } = pace;
  const match = prefix === "" ? [] : ["MATCH", prefixPattern(prefix)];
  const beganMs = clock.now();
  let [removed, batches, handled] = [0, 0, 0];
  let cursor = "0";
  do {
    signal.throwIfAborted();
    const answer = (await command("SCAN", cursor, ...match, "COUNT", String(batch))) as readonly [unknown, unknown];
    cursor = String(answer[0]);
    const found = answer[1];
    // A pattern is a pattern: only what begins so is removed.
    const keys = (Array.isArray(found) ? found : []).map(String).filter((key) => key.startsWith(prefix));
    if (keys.length > 0) removed += await unlink(command, keys, isCluster);
    // SCAN looks at as many as it was told, more or less, whatever it gives.
    handled += batch + keys.length;
    batches++;
    const aheadMs = beganMs + (handled / keysPerSecond) * 1000 - clock.now();
    if (aheadMs >= 1 && cursor !== "0") await clock.sleep(aheadMs, { signal });
  } while (cursor !== "0");
  return { removed, batches };
}

async function unlink(command: RedisCommand, keys: readonly string[], isCluster: boolean): Promise<number> {
  if (!isCluster) return Number(await command("UNLINK", ...keys));
  let removed = 0;
  for (let at = 0; at < keys.length; at += atOnce) {
    const some = keys.slice(at, at + atOnce);
    const counts = await Promise.all(some.map((key) => command("UNLINK", key)));
    removed += counts.reduce<number>((all, count) => all + Number(count), 0);
  }
  return removed;
}
