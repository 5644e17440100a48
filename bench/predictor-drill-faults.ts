import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "holdfast/runtime";
import type { Supervisor } from "../packages/server/src/supervisor/supervisor.ts";

/** `slowing` builds up: the process stands still for longer and longer, then dies. The others come out of nothing. */
export const drillFaultKinds = ["slowing", "kill", "pause"] as const;

interface DrillFault {
  readonly kind: (typeof drillFaultKinds)[number];
  readonly member: string;
  /** Quiet before it. */
  readonly afterMs: number;
  /** How long it takes to build up; 0 for what comes out of nothing. */
  readonly risingMs: number;
  /** How long the member is away then. */
  readonly awayMs: number;
}

/** What will go wrong in a run: drawn at once, so that how fast the machine is changes nothing of it. */
export function drawSchedule(random: Random, members: readonly string[], durationMs: number): DrillFault[] {
  const schedule: DrillFault[] = [];
  for (let at = 0; at < durationMs;) {
    const draw = random.next();
    const kind = draw < 0.5 ? "slowing" : draw < 0.75 ? "kill" : "pause";
    const fault: DrillFault = {
      kind,
      member: members[random.integer(0, members.length - 1)] as string,
      afterMs: Math.round(2_000 - 2_500 * Math.log(1 - random.next())),
      risingMs: kind === "slowing" ? random.integer(3_000, 6_000) : 0,
      awayMs: random.integer(800, 2_000),
    };
    schedule.push(fault);
    at += fault.afterMs + fault.risingMs + fault.awayMs;
  }
  return schedule;
}

/** Does to the members' processes what the schedule says, one after the other, until `signal` aborts. */
export async function performSchedule(
  schedule: readonly DrillFault[],
  supervisor: Supervisor,
  signal: AbortSignal,
  onFault: (kind: DrillFault["kind"]) => void,
): Promise<void> {
  for (const { kind, member, afterMs, risingMs, awayMs } of schedule) {
    await delay(afterMs, undefined, { signal });
    const { pid } = supervisor.member(member);
    if (pid === undefined) throw new Error(`${member} is not running: nothing to disturb`);

    if (kind === "pause") {
      await stopped(pid, awayMs, signal);
      onFault(kind);
      continue;
    }
    if (kind === "slowing") await standStillMoreAndMore(pid, risingMs, signal);
    const { exit } = await supervisor.kill(member);
    if (exit.signal !== "SIGKILL") throw new Error(`${member} (pid ${pid}) ended by itself and not by the kill`);
    onFault(kind);
    await delay(awayMs, undefined, { signal });
    await supervisor.start(member);
  }
}

const slotMs = 150;

/** As a process whose memory runs out does, which collects garbage or swaps: in every slot it runs for a shorter part. */
async function standStillMoreAndMore(pid: number, risingMs: number, signal: AbortSignal): Promise<void> {
  const slots = Math.ceil(risingMs / slotMs);
  for (let slot = 1; slot <= slots; slot++) {
    const stillMs = Math.round((slotMs * 0.95 * slot) / slots);
    await stopped(pid, stillMs, signal);
    await delay(slotMs - stillMs, undefined, { signal });
  }
}

/** Stops a process for so long; however that ends, the process goes on. */
async function stopped(pid: number, forMs: number, signal: AbortSignal): Promise<void> {
  process.kill(pid, "SIGSTOP");
  try {
    await delay(forMs, undefined, { signal });
  } finally {
    // Who interrupts from a terminal ends the members too: then there is none to go on.
    if (!signal.aborted) process.kill(pid, "SIGCONT");
    else ignoringAbsence(() => process.kill(pid, "SIGCONT"));
  }
}

function ignoringAbsence(send: () => void): void {
  try {
    send();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
