import { checkInteger } from "../../errors/base.ts";
import type { Answer, Coordination, RequestOptions } from "../coordination.ts";
import type { TxnRequest, TxnResponse } from "../key-value/key-value.ts";
import { RecipeError } from "./recipe-error.ts";

/**
 * Keeps those out of a resource who have been overtaken: it lives with the resource, and lets in nobody with a token
 * smaller than one that it has let in (M. Kleppmann, "How to do distributed locking", 2016).
 */
export interface Guard<Resource> {
  /** The greatest token let in so far. To be kept with the resource, if that outlives this process. */
  readonly highest: number;
  /** Lets a holder in, and from now on nobody before it. @throws RecipeError STALE_TOKEN; InvalidArgumentError */
  admit(token: number): void;
  /** Lets a holder at the resource. @throws RecipeError STALE_TOKEN; what `work` throws */
  use<T>(token: number, work: (resource: Resource) => T): T;
}

/**
 * Puts a guard in front of a resource of this process. A token is checked when work begins: work that takes time must
 * hand the token on, to whatever it changes in the end.
 *
 * @param highest the greatest token that was let in before, default 0
 * @throws InvalidArgumentError
 * @example
 * const journal = createGuard(openJournal());
 * await orders.withLock(({ token }) => journal.use(token, (file) => file.append("paid")));
 */
export function createGuard<Resource>(resource: Resource, highest: number = 0): Guard<Resource> {
  let greatest = checkInteger("guard.highest", highest, 0);
  const admit = (token: number): void => {
    checkInteger("guard.token", token, 1);
    if (token < greatest) throw new RecipeError("STALE_TOKEN", { detail: `${token} after ${greatest}` });
    greatest = token;
  };
  return {
    get highest() {
      return greatest;
    },
    admit,
    use(token, work) {
      admit(token);
      return work(resource);
    },
  };
}

/** What is held, by the key that stands for it: a lock or a leadership. */
export interface Fence {
  readonly key: Uint8Array;
  readonly token: number;
}

/**
 * A transaction that is applied only while the lock or leadership is held, by the word of the store itself: the fence
 * for what is kept in the same cluster.
 *
 * @throws RecipeError LOCK_LOST when it is not held any more, and nothing was applied; CoordinationError
 * @example
 * await fencedTxn(member, held, { compare: [], success: [{ type: "put", request: { key, value } }], failure: [] });
 */
export async function fencedTxn(
  coordination: Coordination,
  { key, token }: Fence,
  txn: TxnRequest,
  options?: RequestOptions,
): Promise<Answer<TxnResponse>> {
  const answer = await coordination.txn(
    {
      compare: [{ key, target: "create", result: "equal", operand: token }],
      success: [{ type: "txn", request: txn }],
      failure: [],
    },
    options,
  );
  const [inner] = answer.responses;
  if (!answer.succeeded || inner?.type !== "txn") throw new RecipeError("LOCK_LOST");
  return { ...inner.response, header: answer.header };
}
