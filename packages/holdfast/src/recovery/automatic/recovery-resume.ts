import type { RecoveryDraft } from "./recovery-draft.ts";
import { openTasks } from "./recovery-state.ts";
import { withLastAttempt, type RecoveryTask } from "./recovery-task.ts";

/**
 * Goes on with what another process has left: attempts that were under way begin again, with their numbers, and do not
 * count twice; trials too.
 */
export function resume(draft: RecoveryDraft, by: string): void {
  for (const { target, running, person } of draft.state.targets.values()) {
    const task = running === null ? undefined : draft.task(target, running.task);
    if (person?.isStuck === true) {
      // What does not end did not end there. Its place was given away: it stands in line like all others.
      draft.changeTarget(target, { person: null, running: null });
      if (task !== undefined) draft.fail(task, "interrupted", "it did not end, and its process is gone");
    } else if (running !== null && task === undefined) draft.changeTarget(target, { running: null });
  }
  for (const task of openTasks(draft.state)) {
    if (task.status === "running") begin(draft, task, by);
    else if (task.status === "verifying") tryAgain(draft, task, by);
  }
  // Whether the call came through before the other one was gone, nobody knows: better twice than never.
  for (const { target, person: wanted, tasks } of draft.state.targets.values()) {
    if (wanted !== null) draft.effects.push({ type: "callPerson", call: { target, wanted, tasks } });
  }
}

function begin(draft: RecoveryDraft, task: RecoveryTask, by: string): void {
  const { settings } = draft;
  const { strategy: name = "", number = 0, interruptions = 0 } = task.attempts.at(-1) ?? {};
  const interrupted = withLastAttempt(task, { interruptions: interruptions + 1 });
  const isKnown = settings.strategies.some((each) => each.name === name);
  if (isKnown && interruptions < settings.maxInterruptions) {
    const because = `attempt ${number} with ${name} was interrupted: ${by} begins it again`;
    const again = draft.decide(interrupted, "startedAgain", because);
    draft.effects.push({ type: "start", task: again, attempt: number, strategy: name });
    return;
  }
  draft.changeTarget(task.target, { running: null });
  const because = isKnown ? `interrupted ${interruptions + 1} times` : `${by} does not know the strategy ${name}`;
  draft.fail(interrupted, "interrupted", because);
}

function tryAgain(draft: RecoveryDraft, task: RecoveryTask, by: string): void {
  const { settings } = draft;
  const { strategy: name = "", number = 0 } = task.attempts.at(-1) ?? {};
  const verify = settings.strategies.find((each) => each.name === name)?.verify ?? settings.verify;
  const because = `${by} has taken over: on trial for another ${settings.verifyMs} ms`;
  const verifyUntil = verify === undefined ? draft.at + settings.verifyMs : null;
  const tried = draft.decide({ ...task, verifyUntil }, "startedAgain", because);
  if (verify !== undefined) draft.effects.push({ type: "verify", task: tried, attempt: number, strategy: name });
}
