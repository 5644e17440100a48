/** Methods of which sending twice asks for no more than sending once (RFC 9110, 9.2.2; and QUERY, a GET with a body). */
const idempotentMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "QUERY"]);

/** Whether the method allows to send a request again. */
export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method.toUpperCase());
}

/** With this header the service recognises a request that it has had before, whatever the method. */
export const idempotencyKey = "idempotency-key";
