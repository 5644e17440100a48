import { setTimeout as delay } from "node:timers/promises";
import { createMemoryMember, type Member, type WatchRequest } from "holdfast/coordination";
import { Histogram } from "holdfast/proof";
import { Samples, type Benchmark, type BenchmarkContext } from "./benchmark.ts";
import { measureGrpc } from "./watch-grpc.ts";

const encoder = new TextEncoder();
const prefix: WatchRequest = { key: encoder.encode("orders/"), rangeEnd: encoder.encode("orders0") };
const value = new Uint8Array(256);
const keys = 1000;
const watchers = 1000;
const putsPerSecond = 1000;
const singles = 10_000;
const pastRevisions = 100_000;

/** Watches of one member, in this process, where there is no peer, and over gRPC, against etcd. */
export const watch: Benchmark = {
  name: "watch",
  summary:
    "1,000 watchers on one prefix: lag at 1,000 puts/s, in-process and over gRPC against etcd; full speed; the past",
  async run(context: BenchmarkContext) {
    const samples = new Samples();
    for (let round = 0; round < context.rounds; round++) {
      const lag = await measureLag(context);
      const of = `${watchers} watchers, ${putsPerSecond} puts/s`;
      samples.add("holdfast", { case: `${of}: lag p50`, unit: "ms", better: "lower" }, lag.quantile(0.5));
      samples.add("holdfast", { case: `${of}: lag p99`, unit: "ms", better: "lower" }, lag.quantile(0.99));
      samples.add("holdfast", { case: `${of}: lag max`, unit: "ms", better: "lower" }, lag.maxMs);
      const full = await measureFullSpeed(context, watchers);
      const none = await measureFullSpeed(context, 0);
      samples.add("holdfast", { case: `puts, ${watchers} watchers`, unit: "1/s", better: "higher" }, full);
      samples.add("holdfast", { case: "puts, no watcher", unit: "1/s", better: "higher" }, none);
      const spread = await measureSingles(context);
      samples.add(
        "holdfast",
        { case: `puts, ${singles} watchers of a key each`, unit: "1/s", better: "higher" },
        spread,
      );
      const past = await measurePast(context);
      samples.add("holdfast", { case: "events of the past, one watcher", unit: "1/s", better: "higher" }, past);
      await measureGrpc(samples, round, context);
      context.progress(
        `round ${round + 1} of ${context.rounds}: lag p99 ${lag.quantile(0.99).toFixed(2)} ms of ${lag.count} events; ` +
          `${Math.round(full)} puts/s told ${watchers} times, ${Math.round(none)} untold; past: ${Math.round(past)} events/s`,
      );
    }
    return samples.measurements("holdfast");
  },
};

/** Reads until `last`, and makes sure that every revision comes once and in order. */
async function follow(member: Member, last: () => number, onEvent: (revision: number) => void): Promise<void> {
  const watcher = await member.watch(prefix);
  let expected = watcher.startRevision;
  for await (const { events, canceled } of watcher) {
    if (canceled === true) throw new Error("a watch was cancelled");
    for (const { pair } of events) {
      if (pair.modRevision !== expected++) throw new Error(`got ${pair.modRevision} where ${expected - 1} was due`);
      onEvent(pair.modRevision);
    }
    if (expected > last()) return;
  }
}

const keyOf = (number: number): Uint8Array => encoder.encode(`orders/${number % keys}`);

async function measureLag({ seconds, signal }: BenchmarkContext): Promise<Histogram> {
  const member = createMemoryMember();
  const lag = new Histogram();
  const total = seconds * putsPerSecond;
  const sentAt: number[] = [];
  const onEvent = (revision: number): void => lag.record(performance.now() - sentAt[revision - 2]!);
  const reading = Array.from({ length: watchers }, () => follow(member, () => total + 1, onEvent));
  const startedAt = performance.now();
  for (let sent = 0; sent < total;) {
    signal.throwIfAborted();
    const due = Math.min(total, Math.ceil(((performance.now() - startedAt) * putsPerSecond) / 1000));
    for (; sent < due; sent++) {
      sentAt.push(performance.now());
      void member.put({ key: keyOf(sent), value });
    }
    await delay(1);
  }
  await Promise.all(reading);
  await member.close();
  if (lag.count !== total * watchers) throw new Error(`${lag.count} events of ${total * watchers} were told`);
  return lag;
}

/** Puts one after the other; every one is told before the next but a few. */
async function measureFullSpeed({ seconds, signal }: BenchmarkContext, count: number): Promise<number> {
  const member = createMemoryMember();
  let last = Infinity;
  let told = 0;
  const reading = Array.from({ length: count }, () =>
    follow(
      member,
      () => last,
      () => told++,
    ),
  );
  const startedAt = performance.now();
  let puts = 0;
  for (const until = startedAt + seconds * 1000; performance.now() < until;) {
    signal.throwIfAborted();
    for (let at = 0; at < 32; at++) await member.put({ key: keyOf(puts++), value });
    await delay(0);
  }
  last = puts + 2;
  await member.put({ key: keyOf(puts++), value });
  await Promise.all(reading);
  const elapsed = performance.now() - startedAt;
  if (told !== puts * count) throw new Error(`${told} events of ${puts * count} were told`);
  await member.close();
  return (puts * 1000) / elapsed;
}

/** Every put is for one of many watchers. */
async function measureSingles({ seconds, signal }: BenchmarkContext): Promise<number> {
  const member = createMemoryMember();
  let told = 0;
  const reading = Array.from({ length: singles }, async (_, number) => {
    const watcher = await member.watch({ key: encoder.encode(`key/${number}`) });
    for await (const { events } of watcher) told += events.length;
  });
  const startedAt = performance.now();
  let puts = 0;
  for (const until = startedAt + seconds * 1000; performance.now() < until;) {
    signal.throwIfAborted();
    for (let at = 0; at < 32; at++) await member.put({ key: encoder.encode(`key/${puts++ % singles}`), value });
    await delay(0);
  }
  const elapsed = performance.now() - startedAt;
  await member.close();
  await Promise.all(reading);
  if (told !== puts) throw new Error(`${told} events of ${puts} were told`);
  return (puts * 1000) / elapsed;
}

/** A watcher that starts at the first of many revisions. */
async function measurePast({ signal }: BenchmarkContext): Promise<number> {
  const member = createMemoryMember();
  for (let at = 0; at < pastRevisions; at++) await member.put({ key: keyOf(at), value });
  signal.throwIfAborted();
  const watcher = await member.watch({ ...prefix, startRevision: 2 });
  const startedAt = performance.now();
  let told = 0;
  for await (const { events } of watcher) {
    told += events.length;
    if (told >= pastRevisions) break;
  }
  const elapsed = performance.now() - startedAt;
  if (told !== pastRevisions) throw new Error(`${told} events of ${pastRevisions} were told`);
  await member.close();
  return (told * 1000) / elapsed;
}
