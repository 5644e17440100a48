import type { Admission } from "./admission.ts";

/** On the request itself: an entry in a weak map for each of them costs the collector more than all the rest. */
const admissionOf: unique symbol = Symbol("holdfast.admission");

interface Admitted {
  [admissionOf]?: Admission;
}

/** Lets a handler find the admission of its request. */
export function remember(request: object, admission: Admission): void {
  (request as Admitted)[admissionOf] = admission;
}

/**
 * Aborted when the client of this request has gone, or a policy gave it up: for what the handler calls. Undefined for a
 * request that no policy was asked about.
 *
 * @example
 * app.get("/report", async (request, response) => {
 *   response.json(await query("select 1", { signal: requestSignal(request) }));
 * });
 */
export function requestSignal(request: object): AbortSignal | undefined {
  return (request as Admitted)[admissionOf]?.signal;
}
