import type { AbsentInstance, RefusedReports, ServiceReport } from "holdfast/telemetry";
import { PolicyHistory } from "../history/policy-history.ts";
import { AbsentInstances } from "./absent-instances.ts";
import { Problem } from "./problem.ts";

export interface ShelfOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970. Default the system's. */
  readonly wallTime?: () => number;
  /** Default 200. */
  readonly maxInstances?: number;
  /** Of all reports together, as JSON. Default 16 MiB. */
  readonly maxBytes?: number;
  /** After the last report. Default 15 000. */
  readonly keptMs?: number;
  /** Urgent: something is in another state, there or gone, and not just busier than before. */
  readonly onChange?: (isUrgent: boolean) => void;
}

/** A report, and how long ago whoever got it got it. */
export interface AgedReport {
  readonly report: ServiceReport;
  readonly ageMs: number;
}

/** Who has taken leave of a member, and how long ago. */
export interface AgedLeave {
  readonly service: string;
  readonly instance: string;
  /** Of the process that has left; one that started later has not. */
  readonly startedAt: number;
  readonly ageMs: number;
}

const maxMembers = 1_000;

interface Kept {
  readonly report: ServiceReport;
  readonly bytes: number;
  readonly gotMs: number;
  /** It came to this member, and not by way of another. */
  readonly isOwn: boolean;
  readonly version: number;
}

export const shelfDefaults: { readonly maxInstances: 200; readonly maxBytes: number; readonly keptMs: 15_000 } = {
  maxInstances: 200,
  maxBytes: 16 * 1024 * 1024,
  keptMs: 15_000,
};

/** The last report of each instance of a service, for as long as it goes on reporting; so many of them and no more. */
export class ServiceShelf {
  /** Of what came here. */
  readonly history: PolicyHistory = new PolicyHistory();
  readonly #options: ShelfOptions & typeof shelfDefaults;
  readonly #kept = new Map<string, Kept>();
  readonly #absent: AbsentInstances;
  #bytes = 0;
  #ownVersion = 0;
  #refused: RefusedReports | undefined;
  readonly #refusedElsewhere = new Map<string, RefusedReports>();

  constructor(options: ShelfOptions) {
    this.#options = { ...shelfDefaults, ...options } as ShelfOptions & typeof shelfDefaults;
    this.#absent = new AbsentInstances(options.now);
  }

  /** Changes with every report that came here. */
  get ownVersion(): number {
    return this.#ownVersion;
  }

  /** Reports that were not taken here; undefined when all were. */
  get ownRefused(): RefusedReports | undefined {
    return this.#refused;
  }

  /** Those that were not taken, here or elsewhere; undefined when all were. */
  get refused(): RefusedReports | undefined {
    const all = [...this.#refusedElsewhere.values(), ...(this.#refused === undefined ? [] : [this.#refused])];
    const last = all.toSorted((one, other) => other.at - one.at)[0];
    return last && { ...last, count: all.reduce((sum, { count }) => sum + count, 0) };
  }

  /** What another member has not taken, by the name of that member. */
  refusedBy(member: string, refused: RefusedReports): void {
    const known = this.#refusedElsewhere.get(member);
    if (known?.count === refused.count && known.at === refused.at) return;
    if (known === undefined && this.#refusedElsewhere.size >= maxMembers) return;
    this.#refusedElsewhere.set(member, refused);
    this.#options.onChange?.(false);
  }

  /**
   * Takes a report that came here. Of two processes by one name the one that started later has it: whoever starts again is
   * shown at once.
   *
   * @throws Problem 429 when there is no room for another instance, 409 when another process has the name
   */
  take(report: ServiceReport, bytes: number): void {
    const { service, instance, startedAt } = report;
    const { maxInstances, maxBytes } = this.#options;
    this.#forget();
    const holder = this.#kept.get(keyOf(report));
    if (holder !== undefined && holder.report.startedAt > startedAt) {
      const name = `${service}, instance ${instance}`;
      throw this.refuse(
        new Problem(409, `another process that started later reports as ${name}: give each an instance of its own`),
      );
    }
    if (!this.#put(report, bytes, 0, true)) {
      const bounds = `at most ${maxInstances}, and ${maxBytes} bytes`;
      const detail = `there are reports of ${this.#kept.size} instances already (${bounds})`;
      throw this.refuse(new Problem(429, detail, { "retry-after": "15" }));
    }
    this.history.take(report, (this.#options.wallTime ?? Date.now)());
  }

  /** Counts a report that is not taken, for people to see. */
  refuse(problem: Problem): Problem {
    const before = this.#refused?.count ?? 0;
    this.#refused = { count: before + 1, detail: problem.message.slice(0, 300), at: Date.now() };
    this.#options.onChange?.(false);
    return problem;
  }

  /** Somebody that reported here says that it reports no more. */
  leave(left: Omit<AgedLeave, "ageMs">): void {
    this.#drop({ ...left, ageMs: 0 }, true);
  }

  /** Takes what another member got: the newest word of an instance counts, wherever it was said. */
  takeOthers(reports: readonly AgedReport[], left: readonly AgedLeave[] = []): void {
    for (const each of left) this.#drop(each, false);
    for (const { report, ageMs } of reports) {
      // Told on though it has left, by a member that has not heard of it.
      if (this.#absent.hasLeft(report)) continue;
      this.#put(report, Buffer.byteLength(JSON.stringify(report)), ageMs, false);
    }
  }

  /** By service, then by instance. */
  all(): ServiceReport[] {
    this.#forget();
    const reports = [...this.#kept.values()].map(({ report }) => report);
    return reports.toSorted(
      (left, right) => compare(left.service, right.service) || compare(left.instance, right.instance),
    );
  }

  /** Those that reported and do so no more, the latest first. */
  absent(): readonly AbsentInstance[] {
    this.#forget();
    return this.#absent.all((instance) => this.#kept.has(keyOf(instance)));
  }

  /** Those that came here, after a version; all of them after one that is not of this shelf. */
  own(since: number = 0): AgedReport[] {
    this.#forget();
    const now = this.#options.now();
    const from = since > this.#ownVersion ? 0 : since;
    return [...this.#kept.values()]
      .filter(({ isOwn, version }) => isOwn && version > from)
      .map(({ report, gotMs }) => ({ report, ageMs: now - gotMs }));
  }

  /** Those that have taken leave here. */
  left(): readonly AgedLeave[] {
    return this.#absent.left();
  }

  /** Drops who has fallen silent; true when there was one, or one is told of no more. */
  sweep(): boolean {
    const isLess = this.#absent.sweep();
    return this.#forget() || isLess;
  }

  #put(report: ServiceReport, bytes: number, ageMs: number, isOwn: boolean): boolean {
    const gotMs = this.#options.now() - ageMs;
    const key = keyOf(report);
    const before = this.#kept.get(key);
    if (ageMs >= this.#options.keptMs) return false;
    // What is told a second time says nothing new.
    if (!isOwn && before !== undefined && !isNewer(report, gotMs, before)) return false;
    this.#forget();
    const left = this.#bytes - (before?.bytes ?? 0);
    if (left + bytes > this.#options.maxBytes) return false;
    if (before === undefined && this.#kept.size >= this.#options.maxInstances) return false;
    if (isOwn) this.#ownVersion++;
    this.#kept.set(key, { report, bytes, gotMs, isOwn, version: this.#ownVersion });
    this.#bytes = left + bytes;
    this.#options.onChange?.(before === undefined || statesOf(before.report) !== statesOf(report));
    return true;
  }

  #drop(left: AgedLeave, isOwn: boolean): void {
    const key = keyOf(left);
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.report.startedAt !== left.startedAt) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
    this.#absent.add("left", left, left.ageMs, isOwn);
    this.#options.onChange?.(true);
  }

  #forget(): boolean {
    const now = this.#options.now();
    let forgot = false;
    for (const [key, { gotMs, bytes, report }] of this.#kept) {
      if (now - gotMs < this.#options.keptMs) continue;
      this.#kept.delete(key);
      this.#bytes -= bytes;
      this.#absent.add("silent", report, now - gotMs, false);
      forgot = true;
    }
    return forgot;
  }
}

function keyOf({ service, instance }: Pick<ServiceReport, "service" | "instance">): string {
  return JSON.stringify([service, instance]);
}

function isNewer(report: ServiceReport, gotMs: number, { report: known, gotMs: knownMs }: Kept): boolean {
  if (report.startedAt !== known.startedAt) return report.startedAt > known.startedAt;
  return report.at !== known.at && gotMs >= knownMs;
}

/** What people wait to see change. */
function statesOf({ health, policies, startedAt }: ServiceReport): string {
  const components = health?.components.map(({ name, state }) => `${name} ${state}`) ?? [];
  const states = policies.flatMap(({ kind, name, state }) =>
    // Whether every place is taken changes with each call.
    state === null || kind === "bulkhead" ? [] : `${kind} ${name} ${state}`,
  );
  // Which stand first goes by how busy they are.
  return [startedAt, health?.state, health?.isReady, health?.isDraining, ...[...components, ...states].sort()].join();
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
