/** A request body that can be read once: a stream of the web or of Node, a generator, any async iterable. */
export type OneTimeBody = AsyncIterable<unknown> | Iterable<unknown>;

/** Whether a body can be read only once. What the platform keeps in memory (text, bytes, forms, blobs) can be read again. */
export function isOneTimeBody(body: unknown): body is OneTimeBody {
  if (typeof body !== "object" || body === null || ArrayBuffer.isView(body)) return false;
  if (Symbol.asyncIterator in body || "pipe" in body) return true;
  return Symbol.iterator in body && !isPlatformBody(body);
}

/** Forms and search parameters are iterable, and yet no streams. */
function isPlatformBody(body: object): boolean {
  return ["FormData", "URLSearchParams"].includes(
    (body as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? "",
  );
}

/** A body as far as it fitted: whole, and to be sent as often as is wanted; or with a rest that comes once. */
export type BufferedBody =
  | { readonly whole: true; readonly bytes: Uint8Array }
  | { readonly whole: false; readonly rest: AsyncIterable<Uint8Array> };

/**
 * Reads a body to its end, or until more than `maxBytes` have come. `signal` ends the reading.
 *
 * @throws what the body throws, and the signal's reason
 */
export async function bufferBody(
  body: OneTimeBody,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<BufferedBody> {
  const source = chunksOf(body);
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= maxBytes) {
    const next = await orAborted(source.next(), signal);
    if (next.done === true) return { whole: true, bytes: Buffer.concat(chunks) };
    chunks.push(next.value);
    size += next.value.byteLength;
  }
  return { whole: false, rest: resumed(chunks, source) };
}

async function* chunksOf(body: OneTimeBody): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of body) yield typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Uint8Array);
}

async function* resumed(
  chunks: Uint8Array[],
  source: AsyncGenerator<Uint8Array, void>,
): AsyncGenerator<Uint8Array, void> {
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) yield chunk;
  yield* source;
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
