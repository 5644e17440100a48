/** Version, trace id, parent id, flags; versions to come may have more after a dash (W3C Trace Context, 3.2). */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** The trace id of a `traceparent` header; undefined for one that breaks the rules, which is to be ignored. */
export function traceIdOf(traceparent: unknown): string | undefined {
  if (typeof traceparent !== "string" || traceparent.length > 512) return undefined;
  const [, version, traceId, parentId, more] = form.exec(traceparent) ?? [];
  if (traceId === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  return isZero(traceId) || isZero(parentId) ? undefined : traceId;
}

function isZero(id: string | undefined): boolean {
  return id === undefined || /^0+$/.test(id);
}
