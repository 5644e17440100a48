import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { FaultView } from "holdfast/telemetry";
import { announce } from "../parts/announcer.tsx";
import { Badge } from "../parts/badge.tsx";
import { countText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";

/** The faults in effect, each with the time it has left and a way to end it. */
export function ActiveFaults(): JSX.Element {
  const page = usePage();
  return (
    <ul class="faults" aria-label="Active faults">
      {page.faults.value.map((fault) => (
        <ActiveFault key={fault.id} fault={fault} />
      ))}
    </ul>
  );
}

function ActiveFault({ fault }: { readonly fault: FaultView }): JSX.Element {
  const page = usePage();
  const state = useSignal<{ readonly busy: boolean; readonly error: string | null }>({ busy: false, error: null });
  const { id, parameters, injectedAt, endsAt, struck } = fault;
  const struckTarget = page.targets.value.find(({ name }) => name === fault.target);
  const target = struckTarget?.label ?? fault.target;
  const kind = struckTarget?.kinds.find((each) => each.kind === fault.kind)?.label ?? fault.kind;
  const leftMs = Math.max(0, endsAt - page.clockMs.value);
  const share = Math.min(1, leftMs / Math.max(1, endsAt - injectedAt));
  const { requests } = page;
  const mayEnd = requests !== null && page.hello.value?.allows.faults === true;

  function end(): void {
    if (state.value.busy) return;
    state.value = { busy: true, error: null };
    requests?.removeFault(id).then(
      () => announce(`${kind} on ${target} is removed`),
      (error: unknown) => (state.value = { busy: false, error: (error as Error).message }),
    );
  }

  const given = Object.entries(parameters)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
  return (
    <li class="fault">
      <Badge tone="warn" icon="faults">
        {kind} on {target}
      </Badge>
      <span class="muted">{given}</span>
      <span class="fault-left">
        <progress value={share} max={1} aria-label={`Time left of ${id}`} />
        ends in {Math.ceil(leftMs / 1000)} s
      </span>
      {struck !== null && <span class="muted">struck {countText(struck)} times</span>}
      {mayEnd && (
        <button type="button" aria-disabled={state.value.busy} onClick={end}>
          End now
          <span class="unseen">
            : {kind} on {target}
          </span>
        </button>
      )}
      {state.value.error !== null && (
        <span class="error" role="alert">
          {state.value.error}
        </span>
      )}
    </li>
  );
}
