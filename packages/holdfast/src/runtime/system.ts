/**
 * The real clock and randomness alone: what a policy needs by default, without loading sockets and files. The second
 * entry of this room, for rooms whose import must stay light.
 */
import { nodeClock } from "./node-clock.ts";
import type { Clock, Random } from "./runtime.ts";
import { seededRandom } from "./seeded-random.ts";

export type { Clock, Random, Timer } from "./runtime.ts";

/** Node's clock, one for the process. */
export const systemClock: Clock = nodeClock();

/** One generator for the process, for jitter and sampling; not for secrets. */
export const systemRandom: Random = seededRandom(Math.floor(Math.random() * Number.MAX_SAFE_INTEGER));
