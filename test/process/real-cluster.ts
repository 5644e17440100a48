import { statusReader } from "../../packages/server/src/client/cluster-status.ts";
import { findLeader } from "../../packages/server/src/drill/cluster-watch.ts";
import { clientUrl, type ClusterPlan } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { superviseCluster, type Supervisor } from "../../packages/server/src/supervisor/supervisor.ts";
import { planOnOwnPorts } from "./free-ports.ts";
import { temporaryDirectory, until } from "./holdfast-command.ts";

/** Members as processes of their own, each started by `holdfast node`; one that dies stays dead until it is started. */
export interface RealCluster {
  readonly plan: ClusterPlan;
  readonly supervisor: Supervisor;
  /** The members' client URLs, in the plan's order. */
  readonly urls: readonly string[];
  /** The name of the member that leads, once a majority agrees. */
  leader(): Promise<string>;
  close(): Promise<void>;
}

/** Starts a cluster on free ports, and waits until it has a leader and every member knows all addresses. */
export async function startRealCluster(nodes: number = 3): Promise<RealCluster> {
  const directory = temporaryDirectory();
  const plan = await planOnOwnPorts(nodes, directory.path);
  const supervisor = superviseCluster({ plan, restart: false });
  const urls = plan.members.map(clientUrl);
  const cluster: RealCluster = {
    plan,
    supervisor,
    urls,
    async leader() {
      const found = await findLeader(urls, 60_000);
      if (found === null) throw new Error("no leader within 60 s");
      return found.name;
    },
    async close() {
      await supervisor.stop();
      directory.remove();
    },
  };
  const reader = statusReader({ timeoutMs: 1000 });
  try {
    if (!(await supervisor.allAlive(90_000))) throw new Error("the cluster did not start");
    await cluster.leader();
    await until("every member knows all addresses", 10_000, async () => {
      const answers = await Promise.all(urls.map((url) => reader.member(url)));
      return answers.every(({ members }) => members.every((member) => member.clientUrls.length > 0));
    });
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  } finally {
    reader.close();
  }
}
