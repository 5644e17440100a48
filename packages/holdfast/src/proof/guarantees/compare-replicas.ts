import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Clock } from "../../runtime/index.ts";
import {
  judgeReplicas,
  sameJson,
  versionLag,
  type ReplicaAnswer,
  type ReplicaEquality,
  type ReplicaItem,
  type ReplicaVerdict,
} from "./replica-verdict.ts";

/** Asks one replica for one item: undefined when it has none, rejecting when it cannot be asked. */
export type ReplicaReader = (id: string, options: { readonly signal: AbortSignal }) => Promise<ReplicaItem | undefined>;

export interface CompareReplicasOptions {
  /** At least two, by name. */
  readonly replicas: Readonly<Record<string, ReplicaReader>>;
  readonly ids: readonly string[];
  readonly clock: Clock;
  /** How long replicas may take to agree before their state is judged. Default 0: they are asked once. */
  readonly settleMs?: number;
  /** Between two rounds of questions. Default 100. */
  readonly pollMs?: number;
  /** How long one question may take. Default 5000. */
  readonly readTimeoutMs?: number;
  /** Questions under way at a time. Default 16. */
  readonly maxConcurrent?: number;
  /** Whether two values are the same. Default: equal as JSON, whatever the order of the fields. */
  readonly equal?: ReplicaEquality;
  readonly signal?: AbortSignal;
}

export interface ComparedItem {
  readonly id: string;
  readonly verdict: ReplicaVerdict;
  /** What each replica said last. */
  readonly answers: Readonly<Record<string, ReplicaAnswer>>;
  /** How many versions each replica is behind the newest, where versions are told. */
  readonly lag: Readonly<Record<string, number>>;
  /** How long after the start all agreed; undefined when they do not. */
  readonly convergedMs: number | undefined;
}

export interface ReplicaComparison {
  /** Whether every item is consistent, or absent everywhere. */
  readonly consistent: boolean;
  readonly items: readonly ComparedItem[];
  readonly counts: Readonly<Record<ReplicaVerdict, number>>;
  /** How long after the start the last item agreed; undefined when some do not. */
  readonly convergedMs: number | undefined;
  readonly rounds: number;
  readonly durationMs: number;
}

const names = [
  "replicas",
  "ids",
  "clock",
  "settleMs",
  "pollMs",
  "readTimeoutMs",
  "maxConcurrent",
  "equal",
  "signal",
] as const satisfies readonly (keyof CompareReplicasOptions)[];

/**
 * Asks all replicas for items until they agree or the time to settle is over, and says how each item stands. One look
 * cannot tell a replica that lags from one that will never agree; only those that do not agree yet are asked again.
 * Rejects with the signal's reason when it is aborted.
 *
 * @example
 * const { consistent, items } = await compareReplicas({ replicas, ids: ["a", "b"], clock, settleMs: 2000 });
 */
export async function compareReplicas(options: CompareReplicasOptions): Promise<ReplicaComparison> {
  checkOptionNames("compareReplicas", options, names);
  const { replicas, ids, clock, signal, equal = sameJson } = options;
  const readers = Object.entries(replicas);
  if (readers.length < 2)
    throw new InvalidArgumentError("compareReplicas.replicas", "must be at least two", readers.length);
  for (const [name, reader] of readers) checkFunction(`compareReplicas.replicas.${name}`, reader);
  checkFunction("compareReplicas.equal", equal);
  const settleMs = checkNumber("compareReplicas.settleMs", options.settleMs ?? 0, 0);
  const pollMs = checkNumber("compareReplicas.pollMs", options.pollMs ?? 100, 1);
  const readTimeoutMs = checkNumber("compareReplicas.readTimeoutMs", options.readTimeoutMs ?? 5000, 1);
  const maxConcurrent = checkInteger("compareReplicas.maxConcurrent", options.maxConcurrent ?? 16, 1);

  const start = clock.now();
  const items = new Map<string, ComparedItem>();
  let open = [...new Set(ids)];
  let rounds = 0;
  for (;;) {
    rounds++;
    const answers = await askAll(open, readers, { clock, readTimeoutMs, maxConcurrent, signal });
    const elapsed = clock.now() - start;
    for (const [i, id] of open.entries()) items.set(id, compare(id, readers, answers[i]!, equal, elapsed));
    open = open.filter((id) => items.get(id)?.convergedMs === undefined);
    if (open.length === 0 || elapsed >= settleMs) break;
    await clock.sleep(Math.min(pollMs, settleMs - elapsed), signal === undefined ? {} : { signal });
  }
  return report([...items.values()], rounds, clock.now() - start);
}

interface Asking {
  readonly clock: Clock;
  readonly readTimeoutMs: number;
  readonly maxConcurrent: number;
  readonly signal: AbortSignal | undefined;
}

type Reader = readonly [name: string, read: ReplicaReader];

/** All answers, by item and by replica; each worker takes the next question. */
async function askAll(ids: readonly string[], readers: readonly Reader[], asking: Asking): Promise<ReplicaAnswer[][]> {
  const answers: ReplicaAnswer[][] = ids.map(() => []);
  const questions = ids.flatMap((id, item) => readers.map(([, read], replica) => ({ id, item, read, replica })));
  let next = 0;
  const work = async (): Promise<void> => {
    for (let question = questions[next++]; question !== undefined; question = questions[next++]) {
      asking.signal?.throwIfAborted();
      answers[question.item]![question.replica] = await ask(question.read, question.id, asking);
    }
  };
  await Promise.all(Array.from({ length: Math.min(asking.maxConcurrent, questions.length) }, work));
  return answers;
}

/** One question, given up when its time is over, even where the reader takes no notice of its signal. */
function ask(read: ReplicaReader, id: string, { clock, readTimeoutMs, signal }: Asking): Promise<ReplicaAnswer> {
  const controller = new AbortController();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = (): void => {
      stop();
      controller.abort(signal?.reason);
      reject(signal?.reason as Error);
    };
    const timer = clock.setTimer(readTimeoutMs, () => {
      stop();
      const error = new Error(`no answer within ${readTimeoutMs} ms`);
      controller.abort(error);
      resolve({ kind: "unavailable", error });
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    void (async () => read(id, { signal: controller.signal }))()
      .then(
        (item): ReplicaAnswer => (item === undefined ? { kind: "absent" } : { kind: "item", item }),
        (error: unknown): ReplicaAnswer => ({ kind: "unavailable", error }),
      )
      .finally(stop)
      .then(resolve);
  });
}

function compare(
  id: string,
  readers: readonly Reader[],
  answers: readonly ReplicaAnswer[],
  equal: ReplicaEquality,
  elapsedMs: number,
): ComparedItem {
  const verdict = judgeReplicas(answers, equal);
  const agree = verdict === "consistent" || verdict === "absent-everywhere";
  const lags = versionLag(answers);
  return {
    id,
    verdict,
    answers: Object.fromEntries(readers.map(([name], i) => [name, answers[i]!])),
    lag: Object.fromEntries(readers.flatMap(([name], i) => (lags[i] === undefined ? [] : [[name, lags[i]]]))),
    convergedMs: agree ? elapsedMs : undefined,
  };
}

function report(items: readonly ComparedItem[], rounds: number, durationMs: number): ReplicaComparison {
  const counts: Record<ReplicaVerdict, number> = {
    diverged: 0,
    "partially-absent": 0,
    stale: 0,
    unavailable: 0,
    "absent-everywhere": 0,
    consistent: 0,
  };
  for (const { verdict } of items) counts[verdict]++;
  const consistent = items.every(({ convergedMs }) => convergedMs !== undefined);
  const convergedMs = consistent ? Math.max(0, ...items.map((item) => item.convergedMs ?? 0)) : undefined;
  return { consistent, items, counts, convergedMs, rounds, durationMs };
}
