import { HoldfastError } from "../../errors/index.ts";
import { HttpStatusError } from "./http-status-error.ts";

/**
 * A request that must not be sent twice, or would fail the same way, has failed; or a policy asked for it again. `cause` is
 * its failure, if known. Policies see it; the caller mostly gets the failure itself.
 */
export class RequestNotRepeatedError extends HoldfastError {
  static override readonly brand: string = "RequestNotRepeatedError";

  constructor(cause: unknown) {
    super("the request is not sent again", {
      name: "RequestNotRepeatedError",
      code: "REQUEST_NOT_REPEATED",
      kind: HoldfastError.is(cause) ? cause.kind : "network",
      cause,
    });
  }
}

/**
 * Stands between the policies and the network for one call, and sends a request that cannot be repeated once, whatever
 * the policies are set to: a retry, a hedge and a redirecting fallback all come through here.
 */
export class SingleSend {
  readonly #repeatable: boolean;
  #sent = false;
  #failure: unknown;

  constructor(repeatable: boolean) {
    this.#repeatable = repeatable;
  }

  async run<T>(send: () => Promise<T>): Promise<T> {
    if (this.#sent && !this.#repeatable) throw new RequestNotRepeatedError(this.#failure);
    this.#sent = true;
    try {
      return await send();
    } catch (error) {
      this.#failure = error;
      if (error instanceof HttpStatusError || (this.#repeatable && !isHopeless(error))) throw error;
      // Under its own name, it would be retried for nothing.
      throw new RequestNotRepeatedError(error);
    }
  }
}

/** What Node, undici and axios say of requests that are wrong in themselves, and of clients that have been closed. */
const hopelessCodes: ReadonlySet<unknown> = new Set([
  "ERR_BAD_OPTION",
  "ERR_BAD_OPTION_VALUE",
  "ERR_CANCELED",
  "ERR_FORM_DATA_DEPTH_EXCEEDED",
  "ERR_FR_TOO_MANY_REDIRECTS",
  "ERR_INVALID_URL",
  "ERR_NOT_SUPPORT",
  "UND_ERR_CLOSED",
  "UND_ERR_DESTROYED",
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
]);

/** Whether an error, or what it came of, says that sending again cannot help. */
function isHopeless(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return hopelessCodes.has(code) || hopelessCodes.has((cause as { readonly code?: unknown } | null | undefined)?.code);
}

/** What the caller is told in place of `error`: the request's own failure, where only the guard hid it. */
export function ownFailure(error: unknown): unknown {
  return error instanceof RequestNotRepeatedError && error.cause !== undefined ? error.cause : error;
}

/** How deep policies nest their causes: further down nothing is looked for. */
const maxDepth = 8;

/** The status error that `error` is or came of; undefined when the call failed for another reason. */
export function statusErrorOf(error: unknown): HttpStatusError | undefined {
  let cause = error;
  for (let depth = 0; depth < maxDepth && cause instanceof Error; depth++) {
    if (cause instanceof HttpStatusError) return cause;
    ({ cause } = cause);
  }
  return undefined;
}
