import { processTarget } from "holdfast/adapters/system-faults";
import { checkOptionNames } from "holdfast/errors/base";
import type { FaultOrder, FaultParameters, LiveTarget } from "holdfast/proof";
import type { Supervisor } from "./supervisor.ts";

/** A member's process as a target of live faults: as any process, and killed by its supervisor. */
export interface MemberTarget extends LiveTarget {
  /** From now on nothing is started again. */
  retire(): void;
}

const ownKinds: readonly string[] = ["crash", "restart"];

export function memberTarget(member: string, supervisor: Supervisor): MemberTarget {
  const name = `member-${member}`;
  // One that was replaced is nobody's any more.
  const pid = (): number | undefined => supervisor.members().find(({ plan }) => plan.name === member)?.pid;
  // To stop a process and let it go on takes signals, and knowing that it is still the same one.
  const outer = process.platform === "linux" ? processTarget({ name, pid, allow: ["pause", "slow"] }) : undefined;
  const killed = new Set<string>();
  const struck = new Set<string>();
  let isRetired = false;

  /** Killed, it comes back when nobody holds it any more. */
  async function kill(id: string): Promise<void> {
    supervisor.hold(member);
    killed.add(id);
    if (pid() === undefined) return;
    await supervisor.kill(member);
    struck.add(id);
  }

  async function comeBack(id: string): Promise<void> {
    killed.delete(id);
    const isThere = supervisor.members().some(({ plan }) => plan.name === member);
    if (killed.size === 0 && !isRetired && isThere) await supervisor.release(member);
  }

  return {
    name,
    kinds: [...(outer?.kinds ?? []), ...ownKinds],
    optedIn: (kind) => ownKinds.includes(kind) || (outer?.optedIn(kind) ?? false),
    check(kind: string, parameters: FaultParameters) {
      if (outer !== undefined && !ownKinds.includes(kind)) return outer.check(kind, parameters);
      checkOptionNames("parameters", parameters, []);
      return {};
    },
    prepare: (order: FaultOrder) => (ownKinds.includes(order.kind) ? null : outer?.prepare?.(order)),
    async inject(order, undo) {
      if (!ownKinds.includes(order.kind)) return outer?.inject(order, undo);
      await kill(order.id);
      // Nobody waits for it; should it not come back, it is tried again as after any death.
      if (order.kind === "restart") void comeBack(order.id).catch(() => undefined);
    },
    async remove(order, undo) {
      if (!ownKinds.includes(order.kind)) return outer?.remove(order, undo);
      await comeBack(order.id);
      struck.delete(order.id);
    },
    struck: (id) => (struck.has(id) ? 1 : outer?.struck?.(id)),
    retire: () => void (isRetired = true),
  };
}
