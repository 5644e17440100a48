/**
 * The real clock and randomness alone: what a policy needs by default, without loading sockets and files. The second
 * entry of this room, for rooms whose import must stay light.
 */
import { nodeClock } from "./node-clock.ts";
import type { Clock, RandomSource } from "./runtime.ts";

export type { Clock, RandomSource, Timer } from "./runtime.ts";
export { asyncContext, runAsNobodys, takeContext } from "./async-context.ts";
export type { AsyncContext, WorkContext } from "./async-context.ts";
export { ownProcessName, ownVariable, warnOwner } from "./own-process.ts";
export { utcText } from "./utc-text.ts";

/** Node's clock, one for the process. */
export const systemClock: Clock = nodeClock();

/** The platform's generator, for jitter and sampling; not for secrets. */
export const systemRandom: RandomSource = { next: Math.random };
