import type { ServiceReport } from "holdfast/telemetry";
import { Problem } from "./problem.ts";

export interface ShelfOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Default 200. */
  readonly maxInstances?: number;
  /** Of all reports together, as JSON. Default 16 MiB. */
  readonly maxBytes?: number;
  /** After the last report. Default 15 000. */
  readonly keptMs?: number;
  readonly onChange?: () => void;
}

/** A report, and how long ago whoever got it got it. */
export interface AgedReport {
  readonly report: ServiceReport;
  readonly ageMs: number;
}

interface Kept {
  readonly report: ServiceReport;
  readonly bytes: number;
  readonly gotMs: number;
  /** It came to this member, and not by way of another. */
  readonly isOwn: boolean;
}

export const shelfDefaults: { readonly maxInstances: 200; readonly maxBytes: number; readonly keptMs: 15_000 } = {
  maxInstances: 200,
  maxBytes: 16 * 1024 * 1024,
  keptMs: 15_000,
};

/** The last report of each instance of a service, for as long as it goes on reporting; so many of them and no more. */
export class ServiceShelf {
  readonly #options: ShelfOptions & typeof shelfDefaults;
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  #ownVersion = 0;
  #refused = 0;

  constructor(options: ShelfOptions) {
    this.#options = { ...shelfDefaults, ...options } as ShelfOptions & typeof shelfDefaults;
  }

  /** Changes with every report that came here. */
  get ownVersion(): number {
    return this.#ownVersion;
  }

  /** Reports for which there was no room. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes a report that came here. @throws Problem 429 when there is no room for another instance */
  take(report: ServiceReport, bytes: number): void {
    if (!this.#put(report, bytes, 0, true)) {
      this.#refused++;
      const { maxInstances, maxBytes } = this.#options;
      throw new Problem(
        429,
        `there are reports of ${this.#kept.size} instances already (at most ${maxInstances}, and ${maxBytes} bytes)`,
        { "retry-after": "15" },
      );
    }
    this.#ownVersion++;
    this.#options.onChange?.();
  }

  /** Takes what another member got: the newest word of an instance counts, wherever it was said. */
  takeOthers(reports: readonly AgedReport[]): void {
    let changed = false;
    for (const { report, ageMs } of reports) {
      changed = this.#put(report, Buffer.byteLength(JSON.stringify(report)), ageMs, false) || changed;
    }
    if (changed) this.#options.onChange?.();
  }

  /** By service, then by instance. */
  all(): ServiceReport[] {
    this.#forget();
    const reports = [...this.#kept.values()].map(({ report }) => report);
    return reports.toSorted(
      (left, right) => compare(left.service, right.service) || compare(left.instance, right.instance),
    );
  }

  /** Those that came here. */
  own(): AgedReport[] {
    this.#forget();
    const now = this.#options.now();
    return [...this.#kept.values()]
      .filter(({ isOwn }) => isOwn)
      .map(({ report, gotMs }) => ({ report, ageMs: now - gotMs }));
  }

  /** Drops who has fallen silent; true when there was one. */
  sweep(): boolean {
    return this.#forget();
  }

  #put(report: ServiceReport, bytes: number, ageMs: number, isOwn: boolean): boolean {
    const gotMs = this.#options.now() - ageMs;
    const key = JSON.stringify([report.service, report.instance]);
    const before = this.#kept.get(key);
    if (ageMs >= this.#options.keptMs) return false;
    // What is told a second time says nothing new.
    if (!isOwn && before !== undefined && (before.report.at === report.at || before.gotMs > gotMs)) return false;
    this.#forget();
    const left = this.#bytes - (before?.bytes ?? 0);
    if (left + bytes > this.#options.maxBytes) return false;
    if (before === undefined && this.#kept.size >= this.#options.maxInstances) return false;
    this.#kept.set(key, { report, bytes, gotMs, isOwn });
    this.#bytes = left + bytes;
    return true;
  }

  #forget(): boolean {
    const oldest = this.#options.now() - this.#options.keptMs;
    let forgot = false;
    for (const [key, { gotMs, bytes }] of this.#kept) {
      if (gotMs > oldest) continue;
      this.#kept.delete(key);
      this.#bytes -= bytes;
      forgot = true;
    }
    return forgot;
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
