import type { AbsentInstance, ServiceReport } from "holdfast/telemetry";
import type { AgedLeave } from "./service-shelf.ts";

type Known = Pick<ServiceReport, "service" | "instance" | "startedAt">;

interface Absent extends Known {
  readonly reason: AbsentInstance["reason"];
  readonly sinceMs: number;
  readonly isOwn: boolean;
}

const keptMs = 60_000;
const maxAbsent = 50;

/** Who reported and does so no more, for a minute: the latest so many of them. */
export class AbsentInstances {
  readonly #now: () => number;
  #absent: readonly Absent[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  add(reason: Absent["reason"], { service, instance, startedAt }: Known, ageMs: number, isOwn: boolean): void {
    const others = this.#absent.filter((each) => each.service !== service || each.instance !== instance);
    const added = { service, instance, startedAt, reason, sinceMs: this.#now() - ageMs, isOwn };
    this.#absent = [added, ...others].toSorted((one, other) => other.sinceMs - one.sinceMs).slice(0, maxAbsent);
  }

  /** Whether this process of an instance has taken leave. */
  hasLeft({ service, instance, startedAt }: Known): boolean {
    return this.#absent.some(
      (each) =>
        each.reason === "left" &&
        each.service === service &&
        each.instance === instance &&
        each.startedAt === startedAt,
    );
  }

  /** Without those that are back. */
  all(isBack: (instance: Known) => boolean): readonly AbsentInstance[] {
    this.sweep();
    return this.#absent
      .filter((each) => !isBack(each))
      .map(({ service, instance, reason, sinceMs }) => ({
        service,
        instance,
        reason,
        at: Math.round(Date.now() - (this.#now() - sinceMs)),
      }));
  }

  /** Who took leave here. */
  left(): readonly AgedLeave[] {
    this.sweep();
    return this.#absent
      .filter(({ isOwn }) => isOwn)
      .map(({ service, instance, startedAt, sinceMs }) => ({
        service,
        instance,
        startedAt,
        ageMs: this.#now() - sinceMs,
      }));
  }

  /** True when somebody is told of no more. */
  sweep(): boolean {
    const oldestMs = this.#now() - keptMs;
    const before = this.#absent.length;
    this.#absent = this.#absent.filter(({ sinceMs }) => sinceMs > oldestMs);
    return this.#absent.length < before;
  }
}
