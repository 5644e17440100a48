import type { ActiveFault } from "./active-fault.ts";

/** How long a wait takes this time; infinity where only its end ends it. */
export function drawWait(fault: ActiveFault): number {
  const { random, parameters } = fault;
  if (fault.kind === "hang") return fault.number("forMs") ?? Infinity;
  const jitterMs = fault.number("jitterMs") ?? 0;
  const rest = jitterMs === 0 ? 0 : -jitterMs * Math.log(1 - random.next());
  if (parameters["distribution"] === "uniform") {
    const minMs = fault.number("minMs") ?? 0;
    return rest + minMs + random.next() * ((fault.number("maxMs") ?? 0) - minMs);
  }
  if (parameters["distribution"] === "normal") {
    // Box and Muller, 1958; what would be in the past comes at once.
    const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    return rest + Math.max(0, (fault.number("meanMs") ?? 0) + normal * (fault.number("deviationMs") ?? 0));
  }
  return rest + (fault.number("delayMs") ?? 0);
}
