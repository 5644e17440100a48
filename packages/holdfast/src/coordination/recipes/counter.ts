import { InvalidArgumentError } from "../../errors/base.ts";
import type { Coordination } from "../coordination.ts";
import type { KeyValue } from "../key-value/key-value.ts";
import { limited, notAnswered, type RepeatOptions } from "./lock.ts";
import { RecipeError } from "./recipe-error.ts";
import type { Session } from "./session.ts";
import { mayPass, untilAnswered } from "./until-answered.ts";
import { joinKey } from "./waiting-line.ts";

export interface Counter {
  readonly name: string;
  /**
   * Adds, once, whatever is lost on the way, and tells the sum right after that. Additions of one counter go one after
   * the other.
   *
   * @throws InvalidArgumentError; RecipeError NOT_A_COUNTER when it is no whole number or would be no safe integer any
   * more, SESSION_LOST; CoordinationError TIMED_OUT; the signal's reason. After the last three it may have been added.
   */
  add(by?: number, options?: RepeatOptions): Promise<number>;
  /** The sum now; 0 when nothing was ever added. @throws RecipeError NOT_A_COUNTER; CoordinationError */
  get(): Promise<number>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Others were quicker: as good as an answer that did not come. */
const overtaken = new RecipeError("CONFIG_CONFLICT");

/**
 * A whole number in the cluster, as text under its name.
 *
 * Each addition writes in one transaction the sum, if nobody else has changed it, and a mark of its own, with the
 * session's lease, below the name. Whoever does not hear whether a transaction was applied looks for the mark: the
 * sum as it was then never comes again, so that what has not been applied by then, once the sum is another one, never
 * will be.
 *
 * @throws InvalidArgumentError for an empty name
 * @example
 * const ticket = await counter(session, "tickets").add();
 */
export function counter(session: Session, name: string): Counter {
  if (name === "") throw new InvalidArgumentError("counter.name", "must not be empty", name);
  const { coordination, clock, random, leaseId } = session;
  const key = encoder.encode(name);
  const mark = joinKey(key, `/${session.uniqueName()}`);
  let count = 0;
  let previous: Promise<unknown> = Promise.resolve();

  async function add(by: number, signal: AbortSignal): Promise<number> {
    const number = ++count;
    return await untilAnswered({ clock, random, signal }, async () => {
      const { sum, revision, done } = await look(coordination, key, mark, signal);
      if (done?.number === number) return done.sum;
      const next = sum + by;
      if (!Number.isSafeInteger(next)) throw new RecipeError("NOT_A_COUNTER", { detail: `${sum} + ${by}` });
      const { succeeded } = await coordination.txn(
        {
          compare: [{ key, target: "mod", result: "equal", operand: revision }],
          success: [
            { type: "put", request: { key, value: encoder.encode(`${next}`) } },
            { type: "put", request: { key: mark, value: encoder.encode(`${number} ${next}`), lease: leaseId } },
          ],
          failure: [],
        },
        { signal },
      );
      if (!succeeded) throw overtaken;
      return next;
    });
  }

  return {
    name,
    add(by = 1, options = {}) {
      if (!Number.isSafeInteger(by)) throw new InvalidArgumentError("counter.by", "must be a safe integer", by);
      const adding = previous.then(() =>
        limited(session, "counter", options, notAnswered, (signal) => add(by, signal)),
      );
      previous = adding.catch(() => undefined);
      return adding.catch((error: unknown) => {
        if (mayPass(error) || (error as { readonly code?: unknown }).code !== "LEASE_NOT_FOUND") throw error;
        throw new RecipeError("SESSION_LOST", { cause: error });
      });
    },
    async get() {
      return (await look(coordination, key, mark)).sum;
    },
  };
}

interface Look {
  readonly sum: number;
  readonly revision: number;
  /** This counter's last addition that was applied, and the sum after it. */
  readonly done: { readonly number: number; readonly sum: number } | undefined;
}

/** Both keys as of one revision. */
async function look(
  coordination: Coordination,
  key: Uint8Array,
  mark: Uint8Array,
  signal?: AbortSignal,
): Promise<Look> {
  const { responses } = await coordination.txn(
    {
      compare: [],
      success: [key, mark].map((one) => ({ type: "range", request: { key: one } })),
      failure: [],
    },
    signal === undefined ? {} : { signal },
  );
  const [pair, marked] = responses.map((response) =>
    response.type === "range" ? response.response.pairs[0] : undefined,
  );
  const [number, sum] = marked === undefined ? [] : decoder.decode(marked.value).split(" ").map(Number);
  return {
    sum: sumOf(pair),
    revision: pair?.modRevision ?? 0,
    done: number === undefined || sum === undefined ? undefined : { number, sum },
  };
}

function sumOf(pair: KeyValue | undefined): number {
  if (pair === undefined) return 0;
  const text = decoder.decode(pair.value);
  const sum = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(sum)) {
    throw new RecipeError("NOT_A_COUNTER", { detail: JSON.stringify(text.slice(0, 40)) });
  }
  return sum;
}
