import { randomBytes } from "node:crypto";
import { planDesk } from "holdfast/recovery";
import { faultRegistry, type FaultRegistry } from "holdfast/proof";
import { nodeRuntime, type Address } from "holdfast/runtime";
import { createTelemetry, recordEvents, type TelemetryFact } from "holdfast/telemetry";
import { gatewayClient } from "../client/gateway-client.ts";
import type { ServeTls } from "../port.ts";
import { clientUrl, httpUrl, type ClusterPlan } from "../supervisor/cluster-plan.ts";
import type { PeerRoutes } from "../supervisor/peer-routes.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { createDashboard } from "./dashboard.ts";
import { faultDesk } from "./fault-desk.ts";
import { hostDashboard } from "./host-dashboard.ts";
import { keyReader } from "./key-reader.ts";
import { planWatch } from "./plan-watch.ts";
import { memberTargets } from "./up-targets.ts";

export interface UpDashboardOptions {
  readonly plan: ClusterPlan;
  readonly supervisor: Supervisor;
  /** Port 0 chooses a free one. */
  readonly listen: Address;
  readonly serveTls?: ServeTls | undefined;
  readonly token?: string | undefined;
  readonly hosts?: readonly string[];
  /** With them, the members' processes and these ways between them can be struck. */
  readonly routes?: PeerRoutes | undefined;
}

/** The dashboard that whoever supervises a cluster serves: it is there whichever member is not. */
export interface UpDashboard {
  readonly url: string;
  readonly address: Address;
  /** Something has happened to a process. */
  hurry(): void;
  /** Members were added or dropped: they can be struck, or no longer. */
  membersChanged(): void;
  /** What the supervisor itself does stands among the events. */
  publish(fact: TelemetryFact): void;
  /** Takes back what strikes the members, which are not started again any more. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

const nodeId = "up";
const maxEvents = 1_000;

/** @throws Error with Node's `code` (`EADDRINUSE`, …) */
export async function upDashboard(options: UpDashboardOptions): Promise<UpDashboard> {
  const { plan, supervisor, routes, token, hosts = [], serveTls } = options;
  const { clock } = nodeRuntime();
  const telemetry = createTelemetry({ clock, nodeId });
  const recorder = recordEvents(telemetry, { maxEvents });
  const registry: FaultRegistry | undefined = routes && faultRegistry({ clock, telemetry });
  const targets = registry && routes && memberTargets({ registry, supervisor, routes });
  const endpoints = plan.members.map(clientUrl);
  const tls = plan.tls?.own;
  const gateway = gatewayClient({ endpoints, tls, timeoutMs: 2_000, attemptTimeoutMs: 500 });
  const reader = keyReader({ endpoints, tls });
  const dashboard = createDashboard({
    servedBy: nodeId,
    token,
    hosts,
    tls,
    known: () =>
      supervisor
        .members()
        .map(({ plan: member }) => ({ name: member.name, clientUrl: clientUrl(member), httpUrl: httpUrl(member) })),
    processOf(name) {
      // Members come and go: one that the cluster still counts may be nobody's here any more.
      const found = supervisor.members().find((member) => member.plan.name === name);
      return found && { isRunning: found.pid !== undefined, forMs: performance.now() - found.sinceMs };
    },
    events: { nodeId, run: randomBytes(4).toString("hex"), recorder },
    plans: planWatch(async () => planDesk(gateway)),
    gateway: (body) => reader.range(body),
    faults:
      registry &&
      ((hub) => faultDesk({ registry, targets: () => targets?.desk() ?? [], cluster: () => hub.current() })),
  });
  const hosted = await hostDashboard(dashboard, { listen: options.listen, serveTls }).catch(async (error: unknown) => {
    await registry?.close();
    throw error;
  });
  return {
    url: hosted.url,
    address: hosted.address,
    hurry: () => dashboard.hub.hurry(),
    membersChanged() {
      targets?.follow();
      dashboard.hub.faultsChanged();
    },
    publish: (fact) => telemetry.publish(fact),
    async heal() {
      targets?.retire();
      await registry?.close();
    },
    async close() {
      const closed = hosted.close();
      await registry?.close();
      reader.close();
      gateway.close();
      recorder.close();
      await closed;
    },
  };
}
