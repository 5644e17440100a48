import { checkNodeFault, nodeFaultKinds, type NodeFaultKind } from "holdfast/adapters/system-faults";
import { InvalidArgumentError } from "holdfast/errors/base";
import type { FaultParameters } from "holdfast/proof";
import type { DrilledMember } from "../drilled-member.ts";
import { refusedBy } from "./check-link-fault.ts";
import { describeTargets, memberNames, type StrikeKind } from "./strike.ts";

export const memberFaultKinds: readonly NodeFaultKind[] = nodeFaultKinds;

/** What a drill takes where its scenario says nothing. */
const defaults: Partial<Record<NodeFaultKind, FaultParameters>> = {
  slowDisk: { extraMs: 50, of: "all" },
  clockSkew: { byMs: 10_000 },
  clockJump: { byMs: 10_000 },
  clockDrift: { ppm: 100_000 },
  memory: { bytes: 256 * 1024 * 1024 },
};

const ofDisks: readonly NodeFaultKind[] = ["fullDisk", "slowDisk", "failingSync", "failingDisk"];
/** A member may stop itself rather than go on with such a disk. */
const mayEndIt: readonly NodeFaultKind[] = ["fullDisk", "failingSync", "failingDisk"];

const isSize = (name: string): boolean => name !== "leave" && name !== "freeBytes";

const lookMs = 200;
/** They are taken back long before; should the drill hang, this ends them. */
const durationMs = 600_000;

/** A fault within a member's process: its disk, clocks, thread, memory. */
export function memberStrike(kind: NodeFaultKind): StrikeKind {
  const isOfDisk = ofDisks.includes(kind);
  const valuesOf = (parameters: FaultParameters, directory: string): FaultParameters =>
    checkNodeFault(kind, { ...(isOfDisk ? { path: directory } : {}), ...defaults[kind], ...parameters });
  return {
    needs: "orders",
    check(parameters, path) {
      if ("path" in parameters) {
        throw new InvalidArgumentError(`${path}.path`, "is a member's own data, and is not given", parameters["path"]);
      }
      refusedBy(path, () => {
        const [none] =
          Object.entries(valuesOf(parameters, "/")).find(([name, value]) => value === 0 && isSize(name)) ?? [];
        // It would begin and end, and nothing would be otherwise.
        if (none !== undefined) throw new InvalidArgumentError(`parameters.${none}`, "must not be 0", 0);
      });
    },
    async begin(site, order) {
      const { targets, leader, plan } = order;
      const { id, parameters } = plan;
      const mayEnd = mayEndIt.includes(kind);
      if (mayEnd) for (const target of targets) site.condemned.add(target);
      const lives = new Map(targets.map((target) => [target, site.drilled(target)]));
      const directories = new Map(site.plan.members.map(({ name, directory }) => [name, directory]));
      const orderFor = (target: string): Parameters<DrilledMember["faults"]["inject"]>[0] => ({
        id,
        kind,
        parameters: valuesOf(parameters, directories.get(target)!),
        durationMs,
      });
      const died = new Set<string>();
      await Promise.all(
        [...lives].map(async ([target, { faults }]) => {
          await faults.inject(orderFor(target), null);
          await faults.look(id);
        }),
      );
      // Another fault may kill the member, and with it what it would have told at the end.
      const looking = setInterval(() => {
        for (const { faults } of lives.values()) faults.look(id).catch(() => undefined);
      }, lookMs);
      return {
        what: `${kind} at ${describeTargets(order, memberNames(site).length)}`,
        mustElect: false,
        canServe: true,
        async heal() {
          clearInterval(looking);
          await Promise.all(
            targets.map(async (target) => {
              // One that has died has no faults any more, and a new life knows nothing of those of the last one.
              await lives.get(target)!.faults.remove(orderFor(target), null);
              if (!mayEnd) return;
              if (site.supervisor.member(target).state === "down") {
                died.add(target);
                await site.supervisor.start(target);
              }
              site.condemned.delete(target);
            }),
          );
        },
        records: () =>
          targets.map((target) => {
            const struck = lives.get(target)!.faults.struck?.(id) ?? null;
            return {
              target,
              happened: died.has(target) || (struck ?? 0) > 0,
              role: target === leader.name ? "leader" : "follower",
              term: leader.term,
              struck,
              ...(mayEnd ? { stoppedItself: died.has(target) } : {}),
            };
          }),
      };
    },
  };
}
