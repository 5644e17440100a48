import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { planDesk } from "holdfast/recovery";
import { faultRegistry, type FaultRegistry } from "holdfast/proof";
import { nodeRuntime, type Address } from "holdfast/runtime";
import { createTelemetry, recordEvents, type TelemetryFact } from "holdfast/telemetry";
import { gatewayClient } from "../client/gateway-client.ts";
import { openPort, type ServeTls } from "../port.ts";
import { clientUrl, httpUrl, type ClusterPlan } from "../supervisor/cluster-plan.ts";
import { memberTarget, type MemberTarget } from "../supervisor/member-target.ts";
import type { PeerRoutes } from "../supervisor/peer-routes.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { createDashboard } from "./dashboard.ts";
import { faultDesk, type DeskTarget } from "./fault-desk.ts";
import { keyReader } from "./key-reader.ts";
import { planWatch } from "./plan-watch.ts";
import { processDeskTarget, routesDeskTarget } from "./up-targets.ts";

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
  const targets: MemberTarget[] = [];
  const desk: DeskTarget[] = [];
  const registry: FaultRegistry | undefined = routes && faultRegistry({ clock, telemetry });
  if (routes !== undefined && registry !== undefined) {
    for (const member of plan.members) {
      const process = memberTarget(member.name, supervisor);
      targets.push(process);
      registry.addTarget(process);
      desk.push(processDeskTarget(member, process));
    }
    for (const member of plan.members.length > 1 ? plan.members : []) {
      const ways = routes.targetOf(member);
      registry.addTarget(ways);
      desk.push(routesDeskTarget(member, ways));
    }
  }
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
    faults: registry && ((hub) => faultDesk({ registry, targets: desk, cluster: () => hub.current() })),
  });
  const http = createServer({ noDelay: true }, (request, response) => {
    if (dashboard.handle(request, response)) return;
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("The dashboard is at /dashboard/\n");
  });
  const sockets = new Set<Socket>();
  const port = await openPort({
    address: options.listen,
    tls: serveTls,
    protocols: ["http/1.1"],
    onSocket(socket) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      http.emit("connection", socket);
    },
    onError: () => undefined,
    onHandshakeError: () => undefined,
  }).catch(async (error: unknown) => {
    dashboard.close();
    await registry?.close();
    throw error;
  });
  dashboard.setListening([port.address]);
  const scheme = serveTls === undefined ? "http" : "https";
  return {
    url: `${scheme}://127.0.0.1:${port.address.port}/dashboard/`,
    address: port.address,
    hurry: () => dashboard.hub.hurry(),
    publish: (fact) => telemetry.publish(fact),
    async heal() {
      for (const target of targets) target.retire();
      await registry?.close();
    },
    async close() {
      dashboard.close();
      const closed = port.close();
      for (const socket of sockets) socket.destroySoon();
      await registry?.close();
      reader.close();
      gateway.close();
      recorder.close();
      const stuck = setTimeout(() => sockets.forEach((socket) => socket.destroy()), 500);
      await closed;
      clearTimeout(stuck);
    },
  };
}
