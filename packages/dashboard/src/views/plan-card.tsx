import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { PlanView } from "holdfast/telemetry";
import { Badge, type Tone } from "../parts/badge.tsx";
import { agoText, dayText, durationText } from "../parts/number-text.ts";
import { announce } from "../parts/announcer.tsx";
import { confirmed } from "../parts/confirm-dialog.tsx";
import { usePage } from "../page-state.ts";

const tones: { readonly [Status in PlanView["status"]]: Tone } = {
  pending: "idle",
  running: "plain",
  rollingBack: "warn",
  completed: "good",
  failed: "bad",
  cancelled: "idle",
};

/** An execution of a plan: its steps, what it waits for, and what a person may do about it. */
export function PlanCard({ plan }: { readonly plan: PlanView }): JSX.Element {
  const page = usePage();
  const error = useSignal<string | null>(null);
  const report = useSignal<string | null>(null);
  const { execution, status, steps, approvals, cause, startedAt, endedAt } = plan;
  const { requests } = page;
  const mayAct = requests !== null && page.hello.value?.allows.plans === true;
  const isOver = endedAt !== null;

  function run(what: Promise<unknown>, said: string): void {
    error.value = null;
    what.then(
      () => announce(said),
      (failure: unknown) => (error.value = (failure as Error).message),
    );
  }

  async function cancel(): Promise<void> {
    const question = {
      title: `Cancel ${plan.plan}?`,
      text: "Steps that are done are rolled back where the plan says how.",
      yes: "Cancel the plan",
    };
    if (requests !== null && (await confirmed(question)))
      run(requests.cancelPlan(execution), `${plan.plan} is being cancelled`);
  }

  function showReport(): void {
    if (report.value !== null) report.value = null;
    else
      run(
        (requests?.planReport(execution) ?? Promise.resolve(null)).then(
          (value) => (report.value = JSON.stringify(value, null, 2)),
        ),
        "Report shown",
      );
  }

  return (
    <article class="work" aria-label={`Plan ${plan.plan}`}>
      <header>
        <h3>{plan.plan}</h3>
        <Badge tone={tones[status] ?? "plain"} icon={isOver ? (tones[status] ?? "plain") : "play"}>
          {status === "rollingBack" ? "rolling back" : status}
        </Badge>
        <span class="muted">
          {execution}, {dayText(startedAt)},{" "}
          {isOver ? `took ${durationText(endedAt - startedAt)}` : `for ${agoText(page.nowMs.value - startedAt)}`}
        </span>
        <span class="spacer" />
        {requests !== null && (
          <button type="button" aria-expanded={report.value !== null} onClick={showReport}>
            Report
          </button>
        )}
        {mayAct && !isOver && (
          <button type="button" onClick={() => void cancel()}>
            Cancel…
          </button>
        )}
      </header>
      {cause !== null && <p class="note bad">{cause}</p>}
      {approvals.map((step) => (
        <Approval
          key={step}
          step={step}
          mayAct={mayAct}
          onDecide={(approved, comment) => {
            if (requests !== null)
              run(requests.approve(execution, step, approved, comment), `${step} ${approved ? "approved" : "refused"}`);
          }}
        />
      ))}
      {error.value !== null && (
        <p class="note bad" role="alert">
          {error.value}
        </p>
      )}
      <ol class="steps">
        {steps.map(({ id, type, status: state, attempts, error: failure }) => (
          <li key={id}>
            <Badge tone={stepTone(state)}>{state}</Badge> <b>{id}</b>{" "}
            <span class="muted">
              {type}
              {attempts > 1 && `, attempt ${attempts}`}
            </span>
            {failure !== null && <span class="error"> {failure}</span>}
          </li>
        ))}
      </ol>
      {report.value !== null && (
        <pre tabIndex={0} role="region" aria-label={`Report of ${plan.plan}`}>
          {report.value}
        </pre>
      )}
    </article>
  );
}

function Approval({
  step,
  mayAct,
  onDecide,
}: {
  readonly step: string;
  readonly mayAct: boolean;
  readonly onDecide: (approved: boolean, comment: string) => void;
}): JSX.Element {
  const comment = useSignal("");
  return (
    <div class="note warn approval" role="group" aria-label={`Approval of ${step}`}>
      <span>
        <b>{step}</b> waits for somebody to approve it.
      </span>
      {mayAct && (
        <>
          <label>
            Comment{" "}
            <input
              type="text"
              maxLength={500}
              value={comment.value}
              onInput={(event) => (comment.value = event.currentTarget.value)}
            />
          </label>
          <button type="button" class="primary" onClick={() => onDecide(true, comment.value)}>
            Approve
          </button>
          <button type="button" onClick={() => onDecide(false, comment.value)}>
            Refuse
          </button>
        </>
      )}
    </div>
  );
}

function stepTone(status: string): Tone {
  if (/^(?:completed|succeeded|done|ok)$/i.test(status)) return "good";
  if (/fail|error|timed/i.test(status)) return "bad";
  if (/approv|wait|retry|roll|compens/i.test(status)) return "warn";
  return /run|start/i.test(status) ? "plain" : "idle";
}
