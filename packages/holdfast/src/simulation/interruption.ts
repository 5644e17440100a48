import { seededRandom, type Random } from "../runtime/index.ts";
import type { PointFaults } from "./property-options.ts";

/** What happened to a process at a named point, or which rare path it took. */
export interface Interruption {
  /** Names it among all of the run: `bank/after-read#3`. */
  readonly id: string;
  readonly host: string;
  readonly point: string;
  /** Which arrival of this process at the point it was, from 1. */
  readonly visit: number;
  readonly atMs: number;
  readonly type: "pause" | "power" | "kill" | "rare";
  /** How long it paused, or was down; 0 for a rare path. */
  readonly durationMs: number;
}

/** Decides by the seed, the place and the visit alone, so that what is left out elsewhere changes nothing here. */
export class InterruptionDraws {
  readonly #seed: number;
  readonly #faults: Required<PointFaults>;
  readonly #keep: ReadonlySet<string> | undefined;
  readonly #visits = new Map<string, number>();
  readonly #isDrawn = new Map<string, boolean>();

  constructor(seed: number, faults: Required<PointFaults>, keep: ReadonlySet<string> | undefined) {
    this.#seed = seed;
    this.#faults = faults;
    this.#keep = keep;
  }

  /** How often each point was reached, by `host/point`. */
  get visits(): ReadonlyMap<string, number> {
    return this.#visits;
  }

  /** What happens now at a point. */
  draw(host: string, point: string, atMs: number): Interruption | undefined {
    const { probability, crashProbability, pauseMs, downMs, how } = this.#faults;
    return this.#visit(host, point, atMs, (random) => {
      const share = random.next();
      if (share < crashProbability) return { type: how, durationMs: drawTime(random, downMs) };
      if (share >= crashProbability + probability) return undefined;
      return { type: "pause", durationMs: drawTime(random, pauseMs) };
    });
  }

  /** Whether a rare path is taken now. */
  drawRare(host: string, point: string, atMs: number): Interruption | undefined {
    const { rareProbability } = this.#faults;
    return this.#visit(host, point, atMs, (random) =>
      random.next() < rareProbability ? { type: "rare", durationMs: 0 } : undefined,
    );
  }

  #visit(
    host: string,
    point: string,
    atMs: number,
    draw: (random: Random) => Pick<Interruption, "type" | "durationMs"> | undefined,
  ): Interruption | undefined {
    const place = `${host}/${point}`;
    const visit = (this.#visits.get(place) ?? 0) + 1;
    this.#visits.set(place, visit);
    if (!this.#isPointDrawn(point)) return undefined;
    const id = `${place}#${visit}`;
    if (this.#keep?.has(id) === false) return undefined;
    const drawn = draw(seededRandom(this.#seed).fork(`point ${id}`));
    return drawn === undefined ? undefined : { id, host, point, visit, atMs, ...drawn };
  }

  /** A seed disturbs some points and leaves the others alone: what disturbs all of them hides what one of them shows. */
  #isPointDrawn(point: string): boolean {
    let isDrawn = this.#isDrawn.get(point);
    if (isDrawn === undefined) {
      isDrawn = seededRandom(this.#seed).fork(`points ${point}`).next() < 0.5;
      this.#isDrawn.set(point, isDrawn);
    }
    return isDrawn;
  }
}

function drawTime(random: Random, [least, most]: readonly [number, number]): number {
  return Math.round(least + (most - least) * random.next());
}

/** An interruption in words: `at 120 ms: pause of bank at after-read for 7 ms, visit 3`. */
export function describeInterruption({ host, point, visit, atMs, type, durationMs }: Interruption): string {
  const at = `at ${Math.round(atMs)} ms:`;
  if (type === "rare") return `${at} rare path of ${host} at ${point}, visit ${visit}`;
  const what = type === "pause" ? "pause" : `crash ${type}`;
  return `${at} ${what} of ${host} at ${point} for ${durationMs} ms, visit ${visit}`;
}
