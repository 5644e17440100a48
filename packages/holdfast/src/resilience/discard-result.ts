/**
 * Lets go of a result that nobody will get, because it came too late or another one won: calls its `Symbol.asyncDispose`
 * or `Symbol.dispose`, or cancels its `body` when that is an unread stream, as a fetch response's is (undrained, it
 * would keep its connection). Anything else is left alone; what disposing throws is dropped.
 */
export function discardResult(result: unknown): void {
  if (typeof result !== "object" || result === null) return;
  try {
    void Promise.resolve(dispose(result as Disposable)).catch(ignore);
  } catch {
    // Nobody waits for this result, so nobody can be told.
  }
}

interface Disposable {
  [Symbol.asyncDispose]?: unknown;
  [Symbol.dispose]?: unknown;
  body?: { readonly cancel?: unknown; readonly locked?: unknown } | null;
}

function dispose(result: Disposable): unknown {
  const asyncDispose = result[Symbol.asyncDispose];
  if (typeof asyncDispose === "function") return asyncDispose.call(result);
  const dispose = result[Symbol.dispose];
  if (typeof dispose === "function") return dispose.call(result);
  const body = result.body;
  if (typeof body === "object" && body !== null && typeof body.cancel === "function" && body.locked === false) {
    return body.cancel();
  }
  return undefined;
}

function ignore(): void {
  // As above.
}
