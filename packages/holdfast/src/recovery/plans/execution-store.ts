import {
  untilAnswered,
  type Compare,
  type Coordination,
  type KeyValue,
  type LeaseId,
  type Persistence,
  type RequestOp,
  type TxnResponse,
} from "../../coordination/index.ts";
import { decodeJson, decodeRecord, encodeJson, type ExecutionRecord } from "./execution-record.ts";
import { lastName, type ExecutionKeys, type PlanKeys } from "./execution-keys.ts";
import { isOver, type ExecutionState } from "./execution-state.ts";
import type { JsonValue, Plan } from "./plan.ts";
import { PlanError } from "./plan-error.ts";
import type { PlanHistoryEntry } from "./plan-event.ts";

/** The right to act for one execution, as long as nobody else has taken it. */
export interface ExecutionClaim {
  readonly id: string;
  /** Greater than those of all claims before. */
  readonly token: number;
  /** Of the state last recorded. */
  modRevision: number;
}

/** An execution with everything that is needed to go on with it. */
export interface ClaimedExecution {
  readonly claim: ExecutionClaim;
  readonly plan: unknown;
  readonly record: ExecutionRecord;
  readonly outputs: ReadonlyMap<string, JsonValue>;
}

/** Who claims: the name is unlike all others, the key goes with the lease. */
export interface Claimant {
  readonly name: string;
  readonly leaseId: LeaseId;
}

/** One transition, all of which is recorded, or nothing. */
export interface RecordedTransition {
  readonly state: ExecutionState;
  readonly facts: readonly PlanHistoryEntry[];
  /** Outputs by step, as JSON in bytes. */
  readonly outputs: ReadonlyMap<string, Uint8Array>;
  /** The keys of requests that have had their effect with it. */
  readonly requests: readonly Uint8Array[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const noBytes = new Uint8Array(0);

/** How orchestrators keep executions; every write is one transaction that applies only while the claim holds. */
export class ExecutionStore {
  readonly #coordination: Coordination;
  readonly #keys: PlanKeys;
  readonly #persistence: Omit<Persistence, "signal">;
  readonly #maxHistory: number;

  constructor(
    coordination: Coordination,
    keys: PlanKeys,
    persistence: Omit<Persistence, "signal">,
    maxHistory: number,
  ) {
    this.#coordination = coordination;
    this.#keys = keys;
    this.#persistence = persistence;
    this.#maxHistory = maxHistory;
  }

  /**
   * Records an execution that has not begun, and claims it at once for a claimant. Undefined when it is not claimed.
   *
   * @throws PlanError EXECUTION_EXISTS when there is another one of its name
   */
  async create(
    plan: Plan,
    state: ExecutionState,
    claimant: Claimant | undefined,
    signal: AbortSignal,
  ): Promise<ExecutionClaim | undefined> {
    const keys = this.#keys.execution(state.id);
    const { succeeded, responses, header } = await this.#txn(
      [isMissing(keys.state)],
      [
        put(keys.plan, encodeJson(plan)),
        put(keys.state, encodeJson({ state, token: 0 })),
        put(keys.active, encoder.encode(state.planId)),
        ...(claimant === undefined ? [] : [putClaim(keys, claimant)]),
      ],
      [range(keys.state), range(keys.plan), range(keys.owner)],
      signal,
    );
    if (succeeded) {
      return claimant && { id: state.id, token: header.revision, modRevision: header.revision };
    }
    const [found, foundPlan, owner] = responses.map(firstPair);
    const before = found && decodeRecord(found.value).state;
    const same =
      before !== undefined &&
      isSame(before.parameters, state.parameters) &&
      foundPlan !== undefined &&
      isSame(decodeJson(foundPlan.value), plan);
    if (!same) throw new PlanError("EXECUTION_EXISTS", { detail: state.id });
    // It was written by a try of this very call whose answer was lost, or by an earlier call.
    if (claimant === undefined || owner === undefined || decoder.decode(owner.value) !== claimant.name)
      return undefined;
    return { id: state.id, token: owner.createRevision, modRevision: found!.modRevision };
  }

  /** Takes an execution that nobody has; undefined when somebody has it, or it is over. */
  async claim(id: string, claimant: Claimant, signal: AbortSignal): Promise<ClaimedExecution | undefined> {
    const keys = this.#keys.execution(id);
    const reads = [range(keys.state), range(keys.plan), { type: "range", request: keys.outputs } as const];
    const { succeeded, responses, header } = await this.#txn(
      [isMissing(keys.owner), { key: keys.active, target: "create", result: "greater", operand: 0 }],
      [...reads, putClaim(keys, claimant)],
      [...reads, range(keys.owner)],
      signal,
    );
    const [state, plan, outputs, owner] = responses;
    const ownerPair = succeeded ? undefined : firstPair(owner);
    if (!succeeded && (ownerPair === undefined || decoder.decode(ownerPair.value) !== claimant.name)) return undefined;
    const statePair = firstPair(state);
    const planPair = firstPair(plan);
    if (statePair === undefined || planPair === undefined || outputs?.type !== "range") {
      throw new PlanError("RECORD_INVALID", { detail: id });
    }
    return {
      claim: { id, token: ownerPair?.createRevision ?? header.revision, modRevision: statePair.modRevision },
      plan: decodeJson(planPair.value),
      record: decodeRecord(statePair.value),
      outputs: new Map(outputs.response.pairs.map(({ key, value }) => [lastName(key), decodeJson(value) as JsonValue])),
    };
  }

  /**
   * Records a transition; when it resolves, it is recorded, and the claim held at that moment.
   *
   * @throws PlanError CLAIM_LOST when another orchestrator has the execution: nothing was recorded
   */
  async record(claim: ExecutionClaim, transition: RecordedTransition, signal: AbortSignal): Promise<void> {
    const { id, token } = claim;
    const { state, facts, outputs, requests } = transition;
    const keys = this.#keys.execution(id);
    const history = encodeJson({ sequence: state.sequence, facts });
    const success: RequestOp[] = [
      put(keys.state, encodeJson({ state, token })),
      put(keys.historyEntry(state.sequence % this.#maxHistory), history),
      ...Array.from(outputs, ([step, output]) => put(keys.output(step), output)),
    ];
    if (!isOver(state.status)) success.push(...requests.map((key) => remove(key)));
    else {
      success.push(remove(keys.active), remove(keys.owner), put(keys.finished(state.endedAt ?? 0), noBytes));
      success.push({ type: "deleteRange", request: keys.requests });
    }
    const { succeeded, responses, header } = await this.#txn(
      [
        { key: keys.owner, target: "create", result: "equal", operand: token },
        { key: keys.state, target: "mod", result: "equal", operand: claim.modRevision },
      ],
      success,
      [range(keys.state)],
      signal,
    );
    if (succeeded) {
      claim.modRevision = header.revision;
      return;
    }
    // A try whose answer was lost may have been the one that recorded it.
    const found = firstPair(responses[0]);
    const recorded = found && decodeRecord(found.value);
    if (found === undefined || recorded?.token !== token || recorded.state.sequence !== state.sequence) {
      throw new PlanError("CLAIM_LOST", { detail: id });
    }
    claim.modRevision = found.modRevision;
  }

  /** Gives an execution back that has not been acted for. */
  async release({ id, token }: Pick<ExecutionClaim, "id" | "token">, signal: AbortSignal): Promise<void> {
    const { owner } = this.#keys.execution(id);
    await this.#txn([{ key: owner, target: "create", result: "equal", operand: token }], [remove(owner)], [], signal);
  }

  /** Removes the oldest finished executions above the number to keep; how many. */
  async prune(keep: number, signal: AbortSignal): Promise<number> {
    const { finished } = this.#keys;
    const { count } = await untilAnswered({ ...this.#persistence, signal, stoppedMs: Infinity }, () =>
      this.#coordination.range({ ...finished, countOnly: true }, { signal }),
    );
    const surplus = Math.min(count - keep, 50);
    if (surplus <= 0) return 0;
    const { pairs } = await this.#coordination.range({ ...finished, limit: surplus, keysOnly: true }, { signal });
    for (const { key } of pairs) {
      const { all, active } = this.#keys.execution(this.#keys.finishedId(key));
      // One of that name that is not over has come later.
      await this.#txn([isMissing(active)], [{ type: "deleteRange", request: all }, remove(key)], [remove(key)], signal);
    }
    return pairs.length;
  }

  #txn(
    compare: readonly Compare[],
    success: readonly RequestOp[],
    failure: readonly RequestOp[],
    signal: AbortSignal,
  ): ReturnType<Coordination["txn"]> {
    return untilAnswered({ ...this.#persistence, signal, stoppedMs: Infinity }, () =>
      this.#coordination.txn({ compare, success, failure }, { signal }),
    );
  }
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function isMissing(key: Uint8Array): Compare {
  return { key, target: "create", result: "equal", operand: 0 };
}

function put(key: Uint8Array, value: Uint8Array): RequestOp {
  return { type: "put", request: { key, value } };
}

function putClaim({ owner }: ExecutionKeys, { name, leaseId }: Claimant): RequestOp {
  return { type: "put", request: { key: owner, value: encoder.encode(name), lease: leaseId } };
}

function remove(key: Uint8Array): RequestOp {
  return { type: "deleteRange", request: { key } };
}

function range(key: Uint8Array): RequestOp {
  return { type: "range", request: { key } };
}

function firstPair(response: TxnResponse["responses"][number] | undefined): KeyValue | undefined {
  return response?.type === "range" ? response.response.pairs[0] : undefined;
}
