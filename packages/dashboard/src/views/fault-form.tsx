import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { FaultKindView, FaultTargetView } from "holdfast/telemetry";
import { blastRadius, type BlastRadius } from "../model/blast-radius.ts";
import { announce } from "../parts/announcer.tsx";
import { Badge } from "../parts/badge.tsx";
import { usePage } from "../page-state.ts";

const durations = [
  { label: "5 s", ms: 5_000 },
  { label: "15 s", ms: 15_000 },
  { label: "30 s", ms: 30_000 },
  { label: "1 min", ms: 60_000 },
  { label: "5 min", ms: 300_000 },
  { label: "10 min", ms: 600_000 },
] as const;

type Sent = { readonly state: "idle" | "busy" } | { readonly state: "done" | "failed"; readonly text: string };

/** What to strike, how, and for how long; what that may take with it is said before. */
export function FaultForm(): JSX.Element | null {
  const page = usePage();
  // The first until another is chosen. One that goes away is not replaced by another in silence.
  const targetName = useSignal(page.targets.value[0]?.name ?? "");
  const kindName = useSignal("");
  const values = useSignal<Readonly<Record<string, number>>>({});
  const durationMs = useSignal(30_000);
  const force = useSignal(false);
  const sent = useSignal<Sent>({ state: "idle" });

  const targets = page.targets.value;
  const target = targets.find(({ name }) => name === targetName.value);
  const kind = target?.kinds.find((each) => each.kind === kindName.value) ?? target?.kinds[0];
  const cluster = page.presentCluster.value;
  if (target === undefined || kind === undefined) {
    return (
      <div class="fault-form">
        <p class="note warn" role="status">
          {targetName.value} can no longer be struck.
        </p>
        <button type="button" onClick={() => change(() => (targetName.value = targets[0]?.name ?? ""))}>
          Choose another target
        </button>
      </div>
    );
  }
  const radius = cluster === null ? undefined : blastRadius(cluster, target, page.faults.value, targets);
  const needsForce = radius !== undefined && !radius.quorumSurvives;
  const parameters = parametersOf(kind, values.value);
  const wrong = kind.parameters.find(({ name, min, max }) => !inRange(parameters[name], min, max));
  const isHeld = wrong !== undefined || (needsForce && !force.value);

  function change(run: () => void): void {
    run();
    force.value = false;
    sent.value = { state: "idle" };
  }

  async function inject(event: Event): Promise<void> {
    event.preventDefault();
    if (target === undefined || kind === undefined || page.requests === null) return;
    if (isHeld || sent.value.state === "busy") return;
    sent.value = { state: "busy" };
    const request = { target: target.name, kind: kind.kind, parameters, durationMs: durationMs.value };
    try {
      await page.requests.injectFault(needsForce && force.value ? { ...request, force: true } : request);
      sent.value = { state: "done", text: `${kind.label} on ${target.label} has begun, and ends by itself.` };
      announce(`${kind.label} on ${target.label} has begun`);
    } catch (error) {
      sent.value = { state: "failed", text: (error as Error).message };
    }
  }

  return (
    <form class="fault-form" onSubmit={(event) => void inject(event)}>
      <label>
        Target
        <select value={target.name} onChange={(event) => change(() => (targetName.value = event.currentTarget.value))}>
          {targets.map(({ name, label }) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label>
        Fault
        <select value={kind.kind} onChange={(event) => change(() => (kindName.value = event.currentTarget.value))}>
          {target.kinds.map((each) => (
            <option key={each.kind} value={each.kind}>
              {each.label}
            </option>
          ))}
        </select>
      </label>
      {kind.parameters.map(({ name, unit, min, max }) => (
        <label key={`${kind.kind} ${name}`}>
          {name} <span class="muted">{`${unit === "" ? "" : `${unit}, `}${min} to ${max}`}</span>
          <input
            type="number"
            step="any"
            min={min}
            max={max}
            required
            value={parameters[name]}
            onInput={(event) =>
              change(() => (values.value = { ...values.value, [name]: event.currentTarget.valueAsNumber }))
            }
          />
        </label>
      ))}
      <label>
        Ends after
        <select
          value={durationMs.value}
          onChange={(event) => change(() => (durationMs.value = Number(event.currentTarget.value)))}
        >
          {durations.map(({ label, ms }) => (
            <option key={ms} value={ms}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {radius !== undefined && <Radius target={target} radius={radius} />}
      {needsForce && (
        <label class="check">
          <input
            type="checkbox"
            checked={force.value}
            onChange={(event) => (force.value = event.currentTarget.checked)}
          />{" "}
          I accept that the cluster may decide nothing meanwhile
        </label>
      )}
      <div class="tools">
        {/* Not `disabled`: a live update that makes it so would take the focus from it. */}
        <button
          type="submit"
          class="primary danger"
          aria-disabled={sent.value.state === "busy" || isHeld}
          aria-describedby="held"
        >
          Inject for {durations.find(({ ms }) => ms === durationMs.value)?.label ?? `${durationMs.value} ms`}
        </button>
        <span id="held" class="muted">
          {wrong !== undefined
            ? `${wrong.name} must be ${wrong.min} to ${wrong.max}`
            : isHeld
              ? "it may take the quorum: say that you accept it"
              : ""}
        </span>
      </div>
      {(sent.value.state === "done" || sent.value.state === "failed") && (
        <p
          class={`note ${sent.value.state === "done" ? "good" : "bad"}`}
          role={sent.value.state === "failed" ? "alert" : "status"}
        >
          {sent.value.text}
        </p>
      )}
    </form>
  );
}

function Radius({ target, radius }: { readonly target: FaultTargetView; readonly radius: BlastRadius }): JSX.Element {
  const { includesLeader, unhurt, needed, quorumSurvives } = radius;
  const { members } = target;
  return (
    <section class="radius" aria-label="Blast radius">
      <h3>Blast radius</h3>
      <p>
        {members.length === 0
          ? "No member of the cluster is affected."
          : `May hurt ${members.join(", ")}${includesLeader ? ", the leader among them: expect an election" : ""}.`}
      </p>
      <p>
        <Badge tone={quorumSurvives ? "good" : "bad"}>
          {quorumSurvives ? "The quorum survives" : "The quorum may be lost"}
        </Badge>{" "}
        <span class="muted">
          {unhurt} voters stay unhurt, {needed} are needed
        </span>
      </p>
    </section>
  );
}

function parametersOf(kind: FaultKindView, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(kind.parameters.map(({ name, defaultValue }) => [name, values[name] ?? defaultValue]));
}

function inRange(value: number | undefined, min: number, max: number): boolean {
  return value !== undefined && value >= min && value <= max;
}
