import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressText, nodeArguments } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { freePorts } from "../process/free-ports.ts";
import { planNodes, startNode } from "../process/gossip-nodes.ts";
import { until } from "../process/holdfast-command.ts";
import { cleanUp } from "../process/lone-node.ts";
import type { Endpoint } from "./endpoint.ts";
import { startEtcdCluster } from "./etcd-cluster.ts";
import { etcdctl } from "./etcdctl.ts";

/** A cluster of one voter and one learner that has caught up. */
export interface LearnerCluster {
  readonly voter: Endpoint;
  readonly learner: Endpoint;
  close(): Promise<void>;
}

/** Of real etcds. */
export async function startEtcdLearner(): Promise<LearnerCluster> {
  const cluster = await startEtcdCluster(1);
  const voter = endpointOf(cluster.members[0]!.client);
  const [client, peer] = await freePorts(2);
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const { stdout } = await etcdctl(voter, ["member", "add", "learner", "--learner", `--peer-urls=${peerUrl}`]);
  const initial = /ETCD_INITIAL_CLUSTER="([^"]*)"/.exec(stdout)?.[1] ?? "?";
  const directory = await mkdtemp(join(tmpdir(), "holdfast-learner-"));
  await chmod(directory, 0o700);
  const args = [
    ["--name", "learner", "--data-dir", directory, "--log-level", "error"],
    ["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
    ["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
    ["--initial-cluster", initial, "--initial-cluster-state", "existing"],
  ];
  const etcd = spawn("etcd", args.flat(), { stdio: "ignore" });
  const ended = new Promise((resolve) => etcd.once("exit", resolve));
  process.once("exit", () => etcd.kill("SIGKILL"));
  return untilLearning({
    voter,
    learner: endpointOf(`127.0.0.1:${client}`),
    async close() {
      etcd.kill("SIGKILL");
      await Promise.all([ended, cluster.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  });
}

/** Of Holdfast's nodes. */
export async function startHoldfastLearner(): Promise<LearnerCluster> {
  const plan = await planNodes(2);
  const [first, second] = plan.members as [(typeof plan.members)[0], (typeof plan.members)[0]];
  const alone = { ...plan, members: [first] };
  await startNode(nodeArguments(alone, first));
  const voter = endpointOf(addressText(first.client));
  const peerUrl = `http://${addressText(second.peer)}`;
  await etcdctl(voter, ["member", "add", second.name, "--learner", `--peer-urls=${peerUrl}`]);
  const line = nodeArguments(alone, second).filter((option) => !option.startsWith("--cluster="));
  await startNode([...line, `--join=${addressText(first.gossip)}`]);
  return untilLearning({ voter, learner: endpointOf(addressText(second.client)), close: cleanUp });
}

async function untilLearning(cluster: LearnerCluster): Promise<LearnerCluster> {
  try {
    await until("the learner has caught up", 20_000, async () => {
      const lines = await Promise.all(
        [cluster.voter, cluster.learner].map((endpoint) => etcdctl(endpoint, ["endpoint", "status"])),
      );
      const [voter, learner] = lines.map(({ stdout }) => stdout.split(", "));
      // Endpoint, id, version, size, leads, learns, term, index, applied.
      return learner?.[5] === "true" && learner[8] === voter?.[8];
    });
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

function endpointOf(client: string): Endpoint {
  return { client, close: () => Promise.resolve() };
}
