import { randomBytes } from "node:crypto";
import type { DrillPhase, DrillReport, DrillScenario } from "holdfast/proof";
import { planDesk } from "holdfast/recovery";
import { recordEvents, type ClusterView, type LiveRecording, type Telemetry } from "holdfast/telemetry";
import { openConnections } from "../client/connections.ts";
import { gatewayClient, type GatewayClient } from "../client/gateway-client.ts";
import { LiveHub } from "../dashboard/live-hub.ts";
import { planWatch } from "../dashboard/plan-watch.ts";
import { LiveRecorder } from "../recording/live-recorder.ts";
import { recordHub } from "../recording/record-hub.ts";
import { clientUrl, httpUrl, type ClusterPlan } from "../supervisor/cluster-plan.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { drillState } from "./drill-state.ts";

export interface DrillRecordingOptions {
  readonly scenario: DrillScenario;
  readonly title: string;
  /** What the drill tells. */
  readonly telemetry: Telemetry;
  /** Of a drill that has a cluster. */
  readonly plan: ClusterPlan | undefined;
}

/** A drill as the dashboard would show it, kept from its beginning on. */
export interface DrillRecording {
  /** Who knows which of the members' processes run. */
  supervise(supervisor: Supervisor): void;
  finish(report: DrillReport): LiveRecording;
  /** Idempotent. */
  close(): void;
}

/** Phases in which members stop because the drill needs them no more: that is not what it is about. */
const over: ReadonlySet<string> = new Set<DrillPhase>(["check", "teardown"]);

export function recordDrill({ scenario, title, telemetry, plan }: DrillRecordingOptions): DrillRecording {
  const startedAt = Date.now();
  const beganMs = performance.now();
  let supervisor: Supervisor | undefined;
  const connections = openConnections({ tls: plan?.tls?.own });
  const gateway = plan && gatewayOf(plan, scenario);
  const events = recordEvents(telemetry);
  const state = drillState(scenario, telemetry, (kind) => {
    if (kind === "faults") hub.faultsChanged();
    else hub.drillsChanged();
  });
  const hub: LiveHub = new LiveHub({
    servedBy: telemetry.nodeId,
    connections,
    token: undefined,
    known: () =>
      plan?.members.map((member) => ({
        name: member.name,
        clientUrl: clientUrl(member),
        httpUrl: httpUrl(member),
      })) ?? [],
    processOf(name) {
      const found = supervisor?.members().find((member) => member.plan.name === name);
      return found && { isRunning: found.pid !== undefined, forMs: performance.now() - found.sinceMs };
    },
    events: { nodeId: telemetry.nodeId, run: randomBytes(4).toString("hex"), recorder: events },
    plans: gateway && planWatch(async () => planDesk(gateway)),
    faults: { faults: () => state.faults(), targets: () => [] },
    drills: () => state.drills(),
  });
  const recorder = new LiveRecorder();
  const elapsedMs = (): number => performance.now() - beganMs;
  const recording = recordHub({
    hub,
    recorder,
    elapsedMs,
    wants(kind) {
      if (kind !== "cluster") return kind !== "services" && (kind !== "plans" || gateway !== undefined);
      return plan !== undefined && (!over.has(state.drills()[0]?.phase ?? "") || isWhole(hub.cluster()));
    },
  });

  function close(): void {
    hub.close();
    gateway?.close();
    connections.close();
    events.close();
  }

  return {
    supervise: (given) => void (supervisor = given),
    finish(report) {
      state.setMeasures(report.measures);
      recording.finish();
      const durationMs = elapsedMs();
      close();
      return recorder.finish({ title, startedAt, durationMs });
    },
    close,
  };
}

function isWhole({ leader, members }: ClusterView): boolean {
  return leader !== null && members.every(({ liveness }) => liveness === "answers");
}

/** Plans are asked for only where the drill runs some. */
function gatewayOf(plan: ClusterPlan, { faults }: DrillScenario): GatewayClient | undefined {
  if (!faults.some(({ kind }) => kind === "orchestratorKill")) return undefined;
  const tls = plan.tls?.own;
  return gatewayClient({ endpoints: plan.members.map(clientUrl), timeoutMs: 2_000, attemptTimeoutMs: 500, tls });
}
