import type { PageData } from "./page-data.ts";

// The functions of this file run in the page: they stand in it as text, and see nothing but each other.

/** One process's operations, in the order of their calls; they do not overlap. */
export interface Lane {
  readonly process: number;
  readonly operations: readonly number[];
}

/** `key` -1 and `process` -1 stand for all. */
export function lanesOf(data: PageData, key: number, process: number): Lane[] {
  const lanes = new Map<number, { process: number; operations: number[] }>();
  for (let operation = 0; operation < data.line.length; operation++) {
    const owner = data.process[operation] ?? 0;
    if ((key !== -1 && data.key[operation] !== key) || (process !== -1 && owner !== process)) continue;
    let lane = lanes.get(owner);
    if (lane === undefined) lanes.set(owner, (lane = { process: owner, operations: [] }));
    lane.operations.push(operation);
  }
  return Array.from(lanes.values()).sort((a, b) => a.process - b.process);
}

/** The place in the lane of the first operation that has not ended by this time; the lane's length when all have. */
export function firstAfter(data: PageData, lane: Lane, time: number): number {
  let low = 0;
  let high = lane.operations.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const operation = lane.operations[middle] ?? 0;
    const end = data.outcome[operation] === 2 ? Infinity : (data.to[operation] ?? 0);
    if (end < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The operation of the lane nearest to a time, and at most `tolerance` away; -1 when there is none. */
export function nearestTo(data: PageData, lane: Lane, time: number, tolerance: number): number {
  const place = firstAfter(data, lane, time);
  let nearest = -1;
  let least = tolerance;
  for (const operation of lane.operations.slice(Math.max(0, place - 1), place + 1)) {
    const end = data.outcome[operation] === 2 ? Infinity : (data.to[operation] ?? 0);
    const distance = Math.max((data.from[operation] ?? 0) - time, time - end, 0);
    if (distance > least) continue;
    nearest = operation;
    least = distance;
  }
  return nearest;
}

/** Round numbers within the range, at most `most` of them. */
export function axisTicks(from: number, to: number, most: number): number[] {
  const rough = (to - from) / Math.max(1, most);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, index) => (first + index) * step);
}

/** The last moment that an operation has a part in. */
export function endOf(data: PageData): number {
  let end = data.start;
  for (const time of data.from) end = Math.max(end, time);
  for (const time of data.to) end = Math.max(end, time);
  return end > data.start ? end : data.start + 1;
}
