import type { JSX } from "preact";
import { Card, Empty } from "../parts/card.tsx";
import { usePage } from "../page-state.ts";
import { ActiveFaults } from "./active-faults.tsx";
import { FaultForm } from "./fault-form.tsx";

/** What is being broken on purpose, and the way to break more; each fault ends by itself. */
export function FaultsPage(): JSX.Element {
  const page = usePage();
  const mayInject = page.requests !== null && page.hello.value?.allows.faults === true;
  const faults = page.faults.value;
  return (
    <div class="grid fault-grid">
      <Card title={`Active faults (${faults.length})`}>
        {faults.length === 0 ? <Empty>No fault is active.</Empty> : <ActiveFaults />}
      </Card>
      <Card title="Inject a fault">
        {mayInject ? (
          page.targets.value.length === 0 ? (
            <Empty>
              Nothing has agreed to be struck: no member has a process or a proxy that faults can be laid on.
            </Empty>
          ) : (
            <FaultForm />
          )
        ) : (
          <Empty>
            {page.requests === null ? (
              "This is a recording: nothing can be injected."
            ) : (
              <>
                This dashboard is read only: whoever started it did not allow faults, as{" "}
                <code>holdfast up --allow-faults</code> does.
              </>
            )}
          </Empty>
        )}
      </Card>
    </div>
  );
}
