import {
  untilAnswered,
  type Coordination,
  type Fence,
  type KeyValue,
  type Persistence,
  type RequestOp,
} from "../../coordination/index.ts";
import { checkName, readReport, type Failure } from "./failure.ts";
import { RecoveryError } from "./recovery-error.ts";
import type { RecoveryEvent, RecoveryTransition } from "./recovery-input.ts";
import type { RecoveryMessage } from "./recovery-engine.ts";
import { newRecoveryState, type RecoveryState, type TargetState } from "./recovery-state.ts";
import type { RecoveryTask } from "./recovery-task.ts";

/** What processes tell the one that recovers. */
export type RecoveryRequest = Extract<RecoveryEvent, { readonly type: "failed" | "recovered" | "acknowledged" }>;

interface Span {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Of one transaction, of which etcd takes 128 and 1.5 MiB. */
const maxOperations = 100;
const maxBytes = 512 * 1024;
/** Read at a time. */
const pageSize = 200;

/** How automatic recovery is kept; what its leader writes applies only while it leads. */
export class RecoveryStore {
  readonly #coordination: Coordination;
  readonly #prefix: string;
  readonly #persistence: Omit<Persistence, "signal">;

  constructor(coordination: Coordination, prefix: string, persistence: Omit<Persistence, "signal">) {
    this.#coordination = coordination;
    this.#prefix = prefix;
    this.#persistence = persistence;
  }

  get requests(): Span {
    return this.#below("requests/");
  }

  /**
   * Leaves a request for whoever leads. Requests of one kind about one failure, not yet taken, become one: the latest.
   */
  async send(request: RecoveryRequest, signal: AbortSignal): Promise<void> {
    const about =
      request.type === "failed"
        ? [request.failure.target, request.failure.type]
        : [request.target, request.type === "recovered" ? (request.failure ?? "") : ""];
    const key = encoder.encode(`${this.#prefix}requests/${[request.type, ...about].map(encodeURIComponent).join("/")}`);
    const value = encoder.encode(JSON.stringify(request));
    await untilAnswered({ ...this.#persistence, signal, stoppedMs: Infinity }, () =>
      this.#coordination.put({ key, value }, { signal }),
    );
  }

  async load(signal: AbortSignal): Promise<RecoveryState> {
    const targets = await this.#all(this.#below("targets/"), signal);
    const closed = await this.#all(this.#below("closed/"), signal);
    const state = newRecoveryState(
      targets.map(({ value }) => decode(value, "tasks") as TargetState),
      closed.map(({ value }) => decode(value, "record") as RecoveryTask),
    );
    state.tasksMade = state.closed.size + targets.length;
    return state;
  }

  /**
   * Records a transition, in the order in which it can be gone on with after any part of it.
   *
   * @throws RecoveryError RECOVERY_HANDED_OVER when somebody else leads
   */
  async record(
    fence: Fence,
    state: RecoveryState,
    { changed, closed, forgotten }: RecoveryTransition,
    messages: readonly RecoveryMessage[],
    signal: AbortSignal,
  ): Promise<void> {
    const operations: RequestOp[] = [
      ...closed.map((task) => this.#put(this.#closedKey(task.id), task)),
      ...Array.from(changed, (name) => {
        const target = state.targets.get(name);
        const key = this.#targetKey(name);
        return target === undefined ? remove(key) : this.#put(key, target);
      }),
      ...forgotten.map((id) => remove(this.#closedKey(id))),
      // Only the message that was read: another one may have taken its place.
      ...messages.map(({ key, modRevision }): RequestOp => {
        const isSame = { key, target: "mod", result: "equal", operand: modRevision } as const;
        return { type: "txn", request: { compare: [isSame], success: [remove(key)], failure: [] } };
      }),
    ];
    for (const success of portions(operations)) {
      const { succeeded } = await untilAnswered({ ...this.#persistence, signal, stoppedMs: Infinity }, () =>
        this.#coordination.txn({ compare: [isHeld(fence)], success, failure: [] }, { signal }),
      );
      if (!succeeded) throw new RecoveryError("RECOVERY_HANDED_OVER");
    }
  }

  #below(name: string): Span {
    const whole = `${this.#prefix}${name}`;
    return { key: encoder.encode(whole), rangeEnd: encoder.encode(`${whole.slice(0, -1)}0`) };
  }

  #targetKey(target: string): Uint8Array {
    return encoder.encode(`${this.#prefix}targets/${encodeURIComponent(target)}`);
  }

  #closedKey(id: string): Uint8Array {
    return encoder.encode(`${this.#prefix}closed/${id}`);
  }

  #put(key: Uint8Array, value: unknown): RequestOp {
    return { type: "put", request: { key, value: encoder.encode(JSON.stringify(value)) } };
  }

  /** In the order in which they were last written. */
  async #all({ key, rangeEnd }: Span, signal: AbortSignal): Promise<KeyValue[]> {
    const all: KeyValue[] = [];
    for (let from = key, more = true; more;) {
      const page = await untilAnswered({ ...this.#persistence, signal, stoppedMs: Infinity }, () =>
        this.#coordination.range({ key: from, rangeEnd, limit: pageSize }, { signal }),
      );
      all.push(...page.pairs);
      const last = page.pairs.at(-1);
      more = page.pairs.length === pageSize && last !== undefined;
      if (last !== undefined) from = new Uint8Array([...last.key, 0]);
    }
    return all.toSorted((one, other) => one.modRevision - other.modRevision);
  }
}

/** Undefined for what no process of ours has written. */
export function decodeRequest(value: Uint8Array): RecoveryRequest | undefined {
  try {
    const request = JSON.parse(decoder.decode(value)) as { readonly [name: string]: unknown };
    const { type, target, failure, because, by, comment } = request;
    if (type === "failed") return { type, failure: readFailure(failure as Partial<Failure>) };
    const isFine = checkName("target", target) === target;
    if (type === "recovered" && isFine && isText(because) && (failure === null || isText(failure))) {
      return { type, target, failure, because };
    }
    return type === "acknowledged" && isFine && isText(by) && isText(comment)
      ? { type, target, by, comment }
      : undefined;
  } catch {
    return undefined;
  }
}

/** As it was checked where it was reported. */
function readFailure({ type = "", target = "", priority, evidence, cause }: Partial<Failure>): Failure {
  const failure = readReport({ type, target, ...(priority && { priority }), ...(evidence && { evidence }) });
  const { name, message, code } = cause ?? {};
  return { ...failure, cause: isText(name) && isText(message) ? { name, message, code: code ?? null } : null };
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function decode(value: Uint8Array, list: string): unknown {
  try {
    const decoded = JSON.parse(decoder.decode(value)) as { readonly [name: string]: unknown } | null;
    if (Array.isArray(decoded?.[list])) return decoded;
  } catch (cause) {
    throw new RecoveryError("RECOVERY_RECORD_INVALID", { cause });
  }
  throw new RecoveryError("RECOVERY_RECORD_INVALID");
}

function isHeld({ key, token }: Fence): { key: Uint8Array; target: "create"; result: "equal"; operand: number } {
  return { key, target: "create", result: "equal", operand: token };
}

function remove(key: Uint8Array): RequestOp {
  return { type: "deleteRange", request: { key } };
}

function* portions(operations: readonly RequestOp[]): Generator<readonly RequestOp[], void, undefined> {
  let portion: RequestOp[] = [];
  let bytes = 0;
  for (const operation of operations) {
    const size = operation.type === "put" ? operation.request.value.length : 200;
    if (portion.length === maxOperations || (portion.length > 0 && bytes + size > maxBytes)) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(operation);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}
