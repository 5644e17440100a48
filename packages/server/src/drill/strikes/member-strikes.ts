import { checkNumber, checkOptionNames } from "holdfast/errors/base";
import { describeTargets, memberNames, type StrikeKind } from "./strike.ts";

type Rule = readonly [least: number, most: number, defaultValue: number];

/** Inside a member's process, where its preload carries them out. */
export type MemberFaultKind = "slowDisk" | "fullDisk" | "clockSkew" | "clockDrift" | "blockedLoop" | "memory";

const rules: Readonly<Record<MemberFaultKind, Readonly<Record<string, Rule>>>> = {
  /** Each write and sync takes longer. */
  slowDisk: { extraMs: [1, 60_000, 50] },
  /** Nothing more can be written. */
  fullDisk: {},
  /** The time of day is wrong. */
  clockSkew: { byMs: [-86_400_000, 86_400_000, 10_000] },
  /** Time runs faster or slower, in millionths. */
  clockDrift: { ppm: [-900_000, 9_000_000, 100_000] },
  /** Its thread does something else for a share of the time. */
  blockedLoop: { share: [0.01, 1, 0.5], everyMs: [1, 10_000, 100] },
  memory: { bytes: [1, 2 ** 31 - 1, 256 * 1024 * 1024] },
};

export const memberFaultKinds: readonly MemberFaultKind[] = Object.keys(rules) as MemberFaultKind[];

const lookMs = 200;

export function memberStrike(kind: MemberFaultKind): StrikeKind {
  const own = rules[kind];
  const valuesOf = (parameters: Readonly<Record<string, unknown>>, path: string): Record<string, number> =>
    Object.fromEntries(
      Object.entries(own).map(([name, [least, most, defaultValue]]) => [
        name,
        checkNumber(`${path}.${name}`, parameters[name] ?? defaultValue, least, most),
      ]),
    );
  return {
    needs: "orders",
    check(parameters, path) {
      checkOptionNames(path, parameters, Object.keys(own));
      valuesOf(parameters, path);
    },
    async begin(site, order) {
      const { targets, leader, plan } = order;
      const values = valuesOf(plan.parameters, plan.id);
      const struck = new Map<string, number>();
      const died = new Set<string>();
      // A member may stop itself rather than go on with a disk that takes nothing.
      if (kind === "fullDisk") for (const target of targets) site.condemned.add(target);
      const lives = new Map(targets.map((target) => [target, site.drilled(target)]));
      const note = async (target: string, what: "look" | "end"): Promise<void> => {
        const count = await lives.get(target)!.order(what, kind);
        struck.set(target, Math.max(count, struck.get(target) ?? 0));
      };
      await Promise.all([...lives.values()].map((life) => life.order("begin", kind, values)));
      // Another fault may kill the member, and with it what it would have told at the end.
      const looking = setInterval(() => {
        for (const target of targets) note(target, "look").catch(() => undefined);
      }, lookMs);
      return {
        what: `${kind} at ${describeTargets(order, memberNames(site).length)}`,
        mustElect: false,
        canServe: true,
        async heal() {
          clearInterval(looking);
          await Promise.all(
            targets.map(async (target) => {
              // A new life knows nothing of the fault of the last one.
              if (lives.get(target) === site.drilled(target) && site.supervisor.member(target).state !== "down") {
                await note(target, "end");
              } else if (kind === "fullDisk" && site.supervisor.member(target).state === "down") {
                died.add(target);
                await site.supervisor.start(target);
              }
              if (kind === "fullDisk") site.condemned.delete(target);
            }),
          );
        },
        records: () =>
          targets.map((target) => ({
            target,
            happened: died.has(target) || (struck.get(target) ?? 0) > 0,
            role: target === leader.name ? "leader" : "follower",
            term: leader.term,
            struck: struck.get(target) ?? null,
            ...(kind === "fullDisk" ? { stoppedItself: died.has(target) } : {}),
          })),
      };
    },
  };
}
