import { randomBytes } from "node:crypto";
import type { DrillPhase, DrillReport, DrillScenario } from "holdfast/proof";
import { planDesk } from "holdfast/recovery";
import { recordEvents, type ClusterView, type LiveRecording, type Telemetry } from "holdfast/telemetry";
import { gatewayClient, type GatewayClient } from "../client/gateway-client.ts";
import { createDashboard, type Dashboard } from "../dashboard/dashboard.ts";
import { hostDashboard, type HostedDashboard } from "../dashboard/host-dashboard.ts";
import { planWatch } from "../dashboard/plan-watch.ts";
import { LiveRecorder } from "../recording/live-recorder.ts";
import { recordHub } from "../recording/record-hub.ts";
import { clientUrl, httpUrl, type ClusterPlan } from "../supervisor/cluster-plan.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { drillState } from "./drill-state.ts";

export interface DrillRecordingOptions {
  readonly scenario: DrillScenario;
  readonly title: string;
  /** What repeats it. */
  readonly command: string;
  /** What the drill tells. */
  readonly telemetry: Telemetry;
  /** Of a drill that has a cluster. */
  readonly plan: ClusterPlan | undefined;
}

/** A drill as the dashboard would show it, kept from its beginning on. */
export interface DrillRecording {
  /** Serves it meanwhile on a port of this machine, 0 for a free one; gives the address of the page. @throws Error with Node's `code` */
  serve(port: number): Promise<string>;
  /** Who knows which of the members' processes run. */
  supervise(supervisor: Supervisor): void;
  finish(report: DrillReport): Promise<LiveRecording>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** A page is told of a change within this time. */
const lastWordMs = 500;

/** Phases in which members stop because the drill needs them no more: that is not what it is about. */
const over: ReadonlySet<string> = new Set<DrillPhase>(["check", "teardown"]);

export function recordDrill({ scenario, title, command, telemetry, plan }: DrillRecordingOptions): DrillRecording {
  const startedAt = Date.now();
  const beganMs = performance.now();
  let supervisor: Supervisor | undefined;
  const gateway = plan && gatewayOf(plan, scenario);
  const events = recordEvents(telemetry);
  const state = drillState(scenario, telemetry, (kind) => {
    if (kind === "faults") dashboard.hub.faultsChanged();
    else dashboard.hub.drillsChanged();
  });
  const dashboard: Dashboard = createDashboard({
    servedBy: telemetry.nodeId,
    tls: plan?.tls?.own,
    keys: false,
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
    shownFaults: { faults: () => state.faults(), targets: () => [] },
    drills: () => state.drills(),
  });
  const { hub } = dashboard;
  let hosted: HostedDashboard | undefined;
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

  async function close(): Promise<void> {
    const closed = hosted?.close();
    dashboard.close();
    gateway?.close();
    events.close();
    await closed;
  }

  return {
    async serve(port) {
      hosted = await hostDashboard(dashboard, { listen: { host: "127.0.0.1", port } });
      return hosted.url;
    },
    supervise: (given) => void (supervisor = given),
    async finish(report) {
      state.setMeasures(report.measures);
      // Whoever looks on hears how it ended.
      if (hosted !== undefined) await new Promise((resolve) => setTimeout(resolve, lastWordMs));
      recording.finish();
      const durationMs = elapsedMs();
      await close();
      return recorder.finish({ title, startedAt, durationMs, command });
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
