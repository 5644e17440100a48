import type { DryRun, ExecutionReport, ExecutionSummary, PlanFact, StepState } from "holdfast/recovery";
import { printable, type Style, type Terminal } from "../cli/terminal.ts";

type Paint = Terminal["style"];

const colours: Readonly<Record<string, Style>> = {
  completed: "green",
  failed: "red",
  cancelled: "yellow",
  running: "cyan",
  rollingBack: "yellow",
  waiting: "yellow",
  retrying: "yellow",
};

function painted(status: string, width: number, style: Paint): string {
  const text = status.padEnd(width);
  const colour = colours[status];
  return colour === undefined ? text : style(colour, text);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

type Words = { readonly [Type in PlanFact["type"]]: (fact: Extract<PlanFact, { readonly type: Type }>) => string };

const tryOf = (fact: { readonly attempt: number; readonly again?: boolean }): string =>
  `${fact.attempt > 1 ? `, try ${fact.attempt}` : ""}${fact.again === true ? ", again after a crash" : ""}`;

const retryOf = ({ retryInMs }: { readonly retryInMs?: number }): string =>
  retryInMs === undefined ? "" : `; again in ${seconds(retryInMs)}`;

const words: Words = {
  executionStarted: () => "started",
  takenOver: ({ by }) => `taken over by ${printable(by)}`,
  stepStarted: (fact) => `started ${fact.step}${tryOf(fact)}`,
  stepCompleted: ({ step, late }) => `completed ${step}${late === true ? ", late" : ""}`,
  stepFailed: (fact) => `failed ${fact.step}: ${printable(fact.error.message)}${retryOf(fact)}`,
  stepTimedOut: ({ step }) => `too long ${step}`,
  stepCancelled: ({ step, inDoubt }) => `cancelled ${step}${inDoubt === true ? ", effect not known" : ""}`,
  approvalWanted: ({ step }) => `waiting for approval of ${step}`,
  approvalGiven: ({ step, approved, by }) => `${approved ? "approved" : "refused"} ${step} by ${printable(by)}`,
  executionStopping: ({ cause }) => `stopping: ${describeCause(cause)}`,
  cancelIgnored: ({ by }) => `cancellation by ${printable(by)} ignored: it is stopping already`,
  rollbackStarted: ({ steps }) => `rolling back: ${steps.join(", ")}`,
  undoStarted: (fact) => `undoing ${fact.step}${tryOf(fact)}`,
  undoCompleted: ({ step }) => `undone ${step}`,
  undoFailed: (fact) => `not undone ${fact.step}: ${printable(fact.error.message)}${retryOf(fact)}`,
  rollbackCompleted: () => "rolled back",
  rollbackFailed: ({ steps }) => `not undone: ${steps.join(", ")}`,
  executionCompleted: () => "completed",
  executionFailed: ({ cause }) => `failed: ${describeCause(cause)}`,
  executionCancelled: ({ by }) => `cancelled by ${printable(by)}`,
};

/** One line of progress, also of the history. */
export function describeFact(fact: PlanFact): string {
  return (words[fact.type] as (fact: PlanFact) => string)(fact);
}

function describeCause(cause: NonNullable<ExecutionReport["cause"]>): string {
  if (cause.type === "timedOut") return "the plan took too long";
  if (cause.type === "stepFailed") return `${cause.step}: ${printable(cause.error.message)}`;
  return `cancelled by ${printable(cause.by)}${cause.reason === undefined ? "" : `: ${printable(cause.reason)}`}`;
}

export function renderReport(report: ExecutionReport, style: Paint): string[] {
  const width = Math.max(...Object.keys(report.steps).map((id) => id.length), 4) + 2;
  const row = (id: string, state: StepState, what: string): string => {
    const { status, attempts, startedAt, endedAt, error, inDoubt } = state;
    const took = startedAt !== undefined && endedAt !== undefined ? seconds(endedAt - startedAt) : "";
    const tries = attempts > 1 ? `${attempts} tries` : "";
    const doubt = inDoubt === true ? "effect not known" : "";
    const notes = [took, tries, doubt, error === undefined ? "" : printable(error.message)].filter(
      (note) => note !== "",
    );
    return `${what}${id.padEnd(width)}${painted(status, 11, style)}${notes.join(", ")}`.trimEnd();
  };
  const undo = Object.entries(report.rollback);
  const cause = report.cause === undefined ? "" : `: ${describeCause(report.cause)}`;
  return [
    ...Object.entries(report.steps).map(([id, state]) => row(id, state, "")),
    ...undo.map(([id, state]) => row(id, state, "undo ")),
    `${painted(report.status, 0, style)}: ${report.id}${cause}`,
  ];
}

export function renderList(executions: readonly ExecutionSummary[], style: Paint): string[] {
  const width = Math.max(...executions.map(({ id }) => id.length), 2) + 2;
  return executions.map(({ id, planId, status, createdAt, completed, steps }) =>
    [
      id.padEnd(width),
      painted(status, 13, style),
      `${completed}/${steps}`.padEnd(9),
      new Date(createdAt).toISOString(),
      ` ${planId}`,
    ].join(""),
  );
}

/** The order in which a plan runs. */
export function renderDryRun({ waves, concurrency, parameters }: DryRun, style: Paint): string[] {
  const told = Object.entries(parameters).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    ...(told.length === 0 ? [] : [`${style("dim", "with")} ${told.join(", ")}`]),
    ...waves.flatMap((wave, at) =>
      wave.map(({ id, type, undo }, index) => {
        const number = index === 0 ? String(at + 1) : "";
        return `${style("dim", number.padEnd(4))}${id} (${type})${undo === undefined ? "" : `, undone by ${undo}`}`;
      }),
    ),
    style("dim", `steps of one number run together, ${concurrency} at a time`),
  ];
}
