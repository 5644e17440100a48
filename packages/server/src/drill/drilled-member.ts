import { nodeTarget, type NodeTarget } from "holdfast/adapters/system-faults";
import { startMemberProcess, type MemberProcess, type MemberSurroundings } from "../supervisor/member-process.ts";

/** One life of a member that faults can strike from within. */
export interface DrilledMember {
  readonly process: MemberProcess;
  readonly faults: NodeTarget;
}

const faultable = {
  preloads: [import.meta.resolve("holdfast/adapters/system-faults/preload")],
  environment: { HOLDFAST_FAULTS: "allow" },
};

/** Starts a member whose disk, clocks, processor and memory the drill can strike. */
export function startDrilledMember(
  name: string,
  line: readonly string[],
  onSaid: (line: string) => void,
  more: MemberSurroundings | undefined,
): DrilledMember {
  const process = startMemberProcess(line, onSaid, {
    preloads: [...faultable.preloads, ...(more?.preloads ?? [])],
    environment: { ...faultable.environment, ...more?.environment },
  });
  return { process, faults: nodeTarget({ name, pid: () => process.pid }) };
}
