import type { MalformedError } from "../wire/index.ts";
import type { MemberInfo, RequestIdentity } from "./coordination.ts";
import type { CoordinationError } from "./coordination-error.ts";
import type {
  CompactRequest,
  CompactResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  TxnRequest,
  TxnResponse,
} from "./key-value.ts";

/** What a command does. `memberAttributes` is how a member makes its own name and addresses known to all. */
export type CommandOperation =
  | { readonly type: "put"; readonly request: PutRequest }
  | { readonly type: "deleteRange"; readonly request: DeleteRangeRequest }
  | { readonly type: "txn"; readonly request: TxnRequest }
  | { readonly type: "compact"; readonly request: CompactRequest }
  | { readonly type: "memberAttributes"; readonly request: MemberInfo };

/** One entry of the replicated log. Without an identity it is applied each time it is in the log. */
export interface Command {
  readonly identity?: RequestIdentity;
  readonly operation: CommandOperation;
}

/** How an operation that was applied is answered. */
export type OperationAnswer =
  | { readonly type: "put"; readonly response: PutResponse }
  | { readonly type: "deleteRange"; readonly response: DeleteRangeResponse }
  | { readonly type: "txn"; readonly response: TxnResponse }
  | { readonly type: "compact"; readonly response: CompactResponse }
  | { readonly type: "memberAttributes"; readonly response: Record<string, never> };

/** The answer, and the store's revision when the command was applied. */
export type Applied = OperationAnswer & { readonly revision: number };

/** Why the command changed nothing; the same on every member. `error` is MALFORMED when it could not be read. */
export interface Refused {
  readonly type: "refused";
  readonly error: CoordinationError | MalformedError;
}

/** What applying a command gives. */
export type Outcome = Applied | Refused;
