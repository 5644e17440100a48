import { failurePriorities } from "./failure.ts";
import type { RecoveryDraft } from "./recovery-draft.ts";
import { explainedBy, isBusy, openTasks } from "./recovery-state.ts";
import { chooseStrategy } from "./recovery-strategy.ts";
import { withAttempt, type RecoveryTask } from "./recovery-task.ts";

/** Finds out which failures are symptoms, and begins what may begin: the most pressing first. */
export function schedule(draft: RecoveryDraft): void {
  const { state, settings } = draft;
  for (const task of openTasks(state)) if (task.status === "waiting") hold(draft, task);
  const due = [...openTasks(state)].filter(
    ({ status, heldBy, dueAt }) => status === "waiting" && heldBy === null && dueAt <= draft.at,
  );
  due.sort((one, other) => rank(draft, other) - rank(draft, one) || one.reportedAt - other.reportedAt);
  let busy = 0;
  for (const target of state.targets.values()) if (isBusy(target) && target.person?.isStuck !== true) busy++;
  for (const task of due) {
    const target = draft.target(task.target);
    if (target.person !== null) continue;
    if (isBusy(target)) wait(draft, task, "another recovery is at this target");
    else if (draft.startsLeft(task.target) === 0) draft.callPerson(task.target);
    else if (busy >= settings.maxRunning) wait(draft, task, `${settings.maxRunning} recoveries are under way`);
    else if (start(draft, task)) busy++;
  }
}

/** Forgets what no longer matters: targets without failures whose last attempts were long ago. */
export function forgetIdle(draft: RecoveryDraft): void {
  const { attemptWindowMs, coolDownMs } = draft.settings;
  for (const { target, tasks, running, starts, wellSince } of draft.state.targets.values()) {
    if (tasks.length > 0 || running !== null) continue;
    const isRecent = (starts.at(-1) ?? -Infinity) > draft.at - attemptWindowMs;
    if (!isRecent && (wellSince ?? -Infinity) <= draft.at - coolDownMs) draft.forgetTarget(target);
  }
}

/** What has waited long enough is as pressing as anything: nothing starves. */
function rank(draft: RecoveryDraft, { priority, dueAt }: RecoveryTask): number {
  const waitedMs = Math.max(0, draft.at - dueAt);
  return failurePriorities.length - failurePriorities.indexOf(priority) + waitedMs / draft.settings.ageingMs;
}

function hold(draft: RecoveryDraft, task: RecoveryTask): void {
  const cause = explainedBy(draft.state, task.target, draft.settings);
  if (cause === task.heldBy) return;
  if (cause !== null) {
    draft.decide({ ...task, heldBy: cause }, "held", `${cause} fails, which it depends on: this is a symptom`);
    return;
  }
  const { symptomGraceMs } = draft.settings;
  const dueAt = Math.max(task.dueAt, draft.at + symptomGraceMs);
  const because = `${task.heldBy} is well: this has ${symptomGraceMs} ms to get well by itself`;
  draft.decide({ ...task, heldBy: null, dueAt }, "released", because);
}

/** Says once why something that is due does not begin. */
function wait(draft: RecoveryDraft, task: RecoveryTask, because: string): void {
  if (task.waits !== because) draft.decide({ ...task, waits: because }, "waits", because);
}

/** False when nothing can be begun: then a person is called. */
function start(draft: RecoveryDraft, task: RecoveryTask): boolean {
  const { strategy, because } = chooseStrategy(draft.settings.strategies, task);
  if (strategy === undefined) {
    draft.callPerson(task.target, `nothing can help: ${because}`);
    return false;
  }
  const number = task.attemptCount + 1;
  const attempt = {
    number,
    strategy: strategy.name,
    startedAt: draft.at,
    endedAt: null,
    outcome: "running",
    error: null,
    interruptions: 0,
  } as const;
  const running = withAttempt({ ...task, status: "running", waits: null }, attempt);
  const since = draft.at - draft.settings.attemptWindowMs;
  const starts = [...draft.target(task.target).starts.filter((each) => each > since), draft.at];
  draft.changeTarget(task.target, { running: { task: task.id, attempt: number }, starts });
  const decided = draft.decide(
    running,
    "started",
    `attempt ${number} with ${strategy.name} (${because})`,
    task.evidence,
  );
  draft.effects.push({ type: "start", task: decided, attempt: number, strategy: strategy.name });
  return true;
}
