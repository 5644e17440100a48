import { nodeTarget, type NodeTarget } from "holdfast/adapters/system-faults";
import { startMemberProcess, type MemberProcess } from "../supervisor/member-process.ts";

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
): DrilledMember {
  const process = startMemberProcess(line, onSaid, faultable);
  return { process, faults: nodeTarget({ name, pid: () => process.pid }) };
}
