import { failurePriorities, type Failure } from "./failure.ts";
import { RecoveryDraft } from "./recovery-draft.ts";
import type { RecoveryInput, RecoveryTransition } from "./recovery-input.ts";
import type { RecoverySettings } from "./recovery-options.ts";
import { resume } from "./recovery-resume.ts";
import { forgetIdle, schedule } from "./recovery-schedule.ts";
import { openTasks, type RecoveryState } from "./recovery-state.ts";
import { newTask, withLastAttempt, type RecoveryTask } from "./recovery-task.ts";

type Of<Type extends RecoveryInput["type"]> = Extract<RecoveryInput, { readonly type: Type }>;

/**
 * Decides what follows from what has happened, changes the state accordingly, and says what is to be done: once what
 * has changed is recorded, and in the order given.
 */
export function step(state: RecoveryState, input: RecoveryInput, settings: RecoverySettings): RecoveryTransition {
  const draft = new RecoveryDraft(state, settings, input);
  apply(draft, input);
  endTrials(draft);
  schedule(draft);
  forgetIdle(draft);
  return draft.transition;
}

function apply(draft: RecoveryDraft, input: RecoveryInput): void {
  if (input.type === "failed") fail(draft, input.failure);
  else if (input.type === "recovered") recover(draft, input);
  else if (input.type === "acknowledged") acknowledge(draft, input);
  else if (input.type === "ended") end(draft, input);
  else if (input.type === "stuck") stick(draft, input);
  else if (input.type === "verified") verified(draft, input);
  else if (input.type === "resumed") resume(draft, input.by);
}

function fail(draft: RecoveryDraft, failure: Failure): void {
  const known = draft.target(failure.target).tasks.find(({ type }) => type === failure.type);
  if (known !== undefined) repeat(draft, known, failure);
  else accept(draft, failure);
}

function accept(draft: RecoveryDraft, failure: Failure): void {
  const { at, state, settings } = draft;
  const { wellSince } = draft.target(failure.target);
  const cooledAt = wellSince === null ? at : wellSince + settings.coolDownMs;
  // Who depends on something often notices its failure first.
  const needs = settings.needs.get(failure.target) ?? [];
  const heardAt = needs.length === 0 ? at : at + settings.causeWaitMs;
  const dueAt = Math.max(at, cooledAt, heardAt);
  const task = newTask(`${at.toString(36)}-${(++state.tasksMade).toString(36)}`, failure, at, dueAt);
  const because = `${failure.type} of ${failure.target} was reported, priority ${failure.priority}`;
  const accepted = draft.decide(task, "accepted", because, failure.evidence);
  if (dueAt > at) {
    const flaps = `it was well for less than ${settings.coolDownMs} ms: it flaps`;
    const depends = `the cause may be what it depends on: ${settings.causeWaitMs} ms to hear of that`;
    draft.decide(accepted, "delayed", dueAt === heardAt ? depends : flaps);
  }
  makeRoom(draft);
}

function repeat(draft: RecoveryDraft, known: RecoveryTask, { priority, evidence, cause }: Failure): void {
  const reports = known.reports + 1;
  let task: RecoveryTask = {
    ...known,
    reports,
    lastReportedAt: draft.at,
    evidence,
    cause: known.cause ?? cause,
    isWellAgain: false,
  };
  draft.put(task);
  // The record has the second, the fourth, the eighth: a flood of reports is not one of entries.
  if (Number.isInteger(Math.log2(reports))) {
    task = draft.decide(task, "repeated", `reported ${reports} times by now, of one failure`, evidence);
  }
  if (failurePriorities.indexOf(priority) < failurePriorities.indexOf(task.priority)) {
    task = draft.decide({ ...task, priority }, "raised", `from ${task.priority} to ${priority}: reported so`);
  }
  if (task.status === "verifying" && !isAsked(draft, task)) {
    draft.fail(task, "notVerified", "it was reported again after the strategy was done");
  }
}

/** Above the bound, the oldest of the lowest priority goes; never one that is tried, or that a person was called for. */
function makeRoom(draft: RecoveryDraft): void {
  const all = [...openTasks(draft.state)];
  if (all.length <= draft.settings.maxTasks) return;
  const lowest = (task: RecoveryTask): number => failurePriorities.indexOf(task.priority);
  const [dropped] = all
    .filter(({ status, target }) => status === "waiting" && draft.target(target).person === null)
    .sort((one, other) => lowest(other) - lowest(one) || one.reportedAt - other.reportedAt);
  // With nothing else to drop, the newest, which is always last.
  const victim = dropped ?? all.toSorted((one, other) => one.reportedAt - other.reportedAt).at(-1);
  if (victim !== undefined) draft.close(victim, "dropped", `more than ${draft.settings.maxTasks} failures are open`);
}

function recover(draft: RecoveryDraft, { target, failure, because }: Of<"recovered">): void {
  for (const task of draft.target(target).tasks) {
    if (failure !== null && task.type !== failure) continue;
    if (task.status !== "running") {
      draft.close(task, "recovered", because);
      continue;
    }
    const strategy = draft.settings.strategies.find(({ name }) => name === task.attempts.at(-1)?.strategy);
    if (task.isWellAgain) continue;
    const well = draft.decide({ ...task, isWellAgain: true }, "recoveredMeanwhile", because);
    if (strategy?.endsWhenWell !== true) continue;
    draft.decide(well, "toldToEnd", `${strategy.name} is not needed any more`);
    draft.effects.push({ type: "end", task: task.id });
  }
}

function acknowledge(draft: RecoveryDraft, { target, by, comment }: Of<"acknowledged">): void {
  const { person, tasks, running } = draft.target(target);
  if (person === null) return;
  draft.changeTarget(target, { person: null, starts: [], running: person.isStuck ? null : running });
  for (const task of tasks) {
    const because = `by ${by}${comment === "" ? "" : `: ${comment}`}`;
    const noted = draft.decide(task, "acknowledged", because);
    if (noted.status === "running" && person.isStuck) draft.fail(noted, "abandoned", "a person answers for it");
    else if (noted.status === "waiting") draft.put({ ...noted, dueAt: draft.at });
  }
}

function end(draft: RecoveryDraft, { target, task: id, attempt, outcome, error }: Of<"ended">): void {
  const { running, person } = draft.target(target);
  if (running?.task !== id || running.attempt !== attempt) return;
  draft.changeTarget(target, { running: null, person: person?.isStuck === true ? null : person });
  const task = draft.task(target, id);
  if (task === undefined) return;
  const strategy = task.attempts.at(-1)?.strategy ?? "";
  if (task.isWellAgain) {
    const ended = withLastAttempt(task, { outcome, endedAt: draft.at, error });
    draft.close(ended, "recovered", `it was told to be well while ${strategy} was at it, which has ${outcome}`);
  } else if (outcome !== "succeeded") {
    draft.fail(task, outcome, `${strategy} has ${outcome === "timedOut" ? "taken too long" : "failed"}`, error);
  } else {
    const { verifyMs } = draft.settings;
    const done = withLastAttempt(task, { outcome, endedAt: draft.at });
    const tried = draft.decide(
      { ...done, status: "verifying", verifyUntil: isAsked(draft, done) ? null : draft.at + verifyMs },
      "succeeded",
      `${strategy} is done; on trial for ${verifyMs} ms`,
    );
    if (isAsked(draft, tried)) draft.effects.push({ type: "verify", task: tried, attempt, strategy });
  }
}

function stick(draft: RecoveryDraft, { target, task: id, attempt }: Of<"stuck">): void {
  const { running } = draft.target(target);
  const task = draft.task(target, id);
  if (task === undefined || running?.task !== id || running.attempt !== attempt) return;
  const { strategy = "" } = task.attempts.at(-1) ?? {};
  draft.decide(task, "stuck", `${strategy} was told to end, and does not: nothing else may begin here`);
  draft.callPerson(target, `${strategy} does not end`, true);
}

function verified(draft: RecoveryDraft, { target, task: id, attempt, isWell, because }: Of<"verified">): void {
  const task = draft.task(target, id);
  if (task?.status !== "verifying" || task.attemptCount !== attempt) return;
  if (isWell) draft.close(task, "recovered", because);
  else draft.fail(task, "notVerified", because);
}

/** Whoever was not reported again while on trial is well. */
function endTrials(draft: RecoveryDraft): void {
  for (const task of openTasks(draft.state)) {
    if (task.status !== "verifying" || task.verifyUntil === null || task.verifyUntil > draft.at) continue;
    draft.close(task, "recovered", `it was not reported again for ${draft.settings.verifyMs} ms`);
  }
}

/** Whether somebody can be asked if a target is well. */
function isAsked({ settings }: RecoveryDraft, task: RecoveryTask): boolean {
  const strategy = settings.strategies.find(({ name }) => name === task.attempts.at(-1)?.strategy);
  return (strategy?.verify ?? settings.verify) !== undefined;
}
