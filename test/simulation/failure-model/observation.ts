import { checkFaults, injectFaults, type FaultTarget, type FaultTargets, type Injection } from "holdfast/proof";
import { simulate, type World } from "holdfast/runtime";

/** One node changed its mind about another. */
export interface Verdict {
  readonly observer: string;
  readonly subject: string;
  readonly state: "healthy" | "suspect" | "failed";
  readonly at: number;
}

/** Nodes that watch each other, by whatever means. */
export interface Watchers {
  readonly nodes: ReadonlyMap<string, FaultTarget>;
  readonly verdicts: readonly Verdict[];
  /** Whether everyone holds everyone for healthy now. */
  readonly isAgreed: boolean;
  announce?(name: string, state: "stopped" | "back"): void;
}

/** What came of a fault at one node, "n2". */
export interface Observed {
  readonly struck: Injection["struck"];
  readonly happened: Injection["happened"];
  /** From the fault's beginning until the first, and the last, of the others held the target for failed. */
  readonly firstFailedMs: number | undefined;
  readonly allFailedMs: number | undefined;
  /** Nodes other than the target that were held for failed, by anybody but the target. */
  readonly accused: readonly string[];
  /** Nodes that the target held for failed. */
  readonly accusedByTarget: readonly string[];
  /** From the fault's end until everyone held everyone for healthy, in steps of 100 ms. */
  readonly agreedAfterMs: number;
}

export const target = "n2";
const beginsMs = 10_000;

/** Lets nodes live, strikes one of them (and others, by what is given whole), and lets them live on. */
export async function observe(
  seed: number,
  make: (world: World) => Watchers,
  fault: { readonly durationMs: number; readonly [option: string]: unknown },
  also: readonly object[] = [],
): Promise<Observed> {
  const { value } = await simulate({ seed }, async (world) => {
    const watchers = make(world);
    await until(world, () => watchers.isAgreed, beginsMs);
    const startedAt = world.clock.now();
    const before = watchers.verdicts.length;
    const { nodes } = watchers;
    const targets: FaultTargets = {
      nodes,
      announce: (name, state) => watchers.announce?.(name, state),
    };
    const faults = [{ targets: [target], atMs: 0, ...fault }, ...also];
    const description = checkFaults({ seed, lengthMs: fault.durationMs + 1_000, faults });
    const injection = injectFaults(world, targets, description);
    await injection.finished;
    const agreedAfterMs = (await until(world, () => watchers.isAgreed, 120_000)) + 1_000;
    const failed = watchers.verdicts.slice(before).filter(({ state }) => state === "failed");
    const ofTarget = new Map<string, number>();
    for (const { observer, subject, at } of failed) {
      if (subject === target && !ofTarget.has(observer)) ofTarget.set(observer, at - startedAt);
    }
    const times = [...ofTarget.values()];
    const names = (some: readonly Verdict[]): string[] => [...new Set(some.map(({ subject }) => subject))].toSorted();
    return {
      struck: injection.struck,
      happened: injection.happened,
      firstFailedMs: times.length === 0 ? undefined : Math.min(...times),
      allFailedMs: times.length < nodes.size - 1 ? undefined : Math.max(...times),
      accused: names(failed.filter(({ observer, subject }) => observer !== target && subject !== target)),
      accusedByTarget: names(failed.filter(({ observer }) => observer === target)),
      agreedAfterMs,
    };
  });
  return value;
}

/** How long it took until then. @throws Error when it takes longer than `limitMs` */
async function until({ clock }: World, isDone: () => boolean, limitMs: number): Promise<number> {
  const start = clock.now();
  while (!isDone()) {
    if (clock.now() - start > limitMs) throw new Error(`not within ${limitMs} ms of virtual time`);
    await clock.sleep(100);
  }
  return clock.now() - start;
}
