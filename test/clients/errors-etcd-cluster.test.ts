import { promisify } from "node:util";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { Etcd3 } from "etcd3";
import { builtInClassifiers } from "holdfast/errors";
import { expect, it, onTestFinished } from "vitest";
import { caught, ClassifiedRows } from "./classified-rows.ts";
import { gateway, startEtcdCluster, type EtcdMember } from "./etcd-cluster.ts";
import { etcdClusterRows } from "./etcd-cluster-rows.ts";
import { startEtcdLearner } from "./etcd-learner.ts";

const etcd = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "etcd")!);
const a = { key: Buffer.from("a").toString("base64") };

interface Status {
  readonly header: { readonly member_id: string };
  readonly leader: string;
}

async function statusOf({ client }: EtcdMember): Promise<Status> {
  const response = await fetch(`http://${client}/v3/maintenance/status`, { method: "POST", body: "{}" });
  return (await response.json()) as Status;
}

/** What `ask` fails with, as soon as it fails like that. */
async function untilSaid(text: string, ask: () => Promise<never>): Promise<unknown> {
  const giveUpAt = performance.now() + 20_000;
  for (;;) {
    const error = await caught(ask);
    if (String(error).includes(text)) return error;
    if (performance.now() > giveUpAt) throw new Error(`nobody said "${text}" within 20 s`, { cause: error });
  }
}

it("members that lose their leader and their majority", async () => {
  const cluster = await startEtcdCluster(3);
  onTestFinished(() => cluster.close());
  const statuses = await Promise.all(cluster.members.map(statusOf));
  const leading = statuses.findIndex(({ header, leader }) => header.member_id === leader);
  const leader = cluster.members[leading]!;
  const [one, two] = cluster.members.filter((member) => member !== leader);
  const idOf = (member: EtcdMember): string => statuses[cluster.members.indexOf(member)]!.header.member_id;

  const handOver = { targetID: idOf(two!) };
  etcd.expectRow(await caught(() => gateway(one!.client, "maintenance/transfer-leadership", handOver)), "not leader");

  leader.process.kill("SIGSTOP");
  const failure = etcd.expectRow(await caught(() => gateway(one!.client, "kv/range", a)), "leader changed");
  leader.process.kill("SIGCONT");
  expect(failure).toMatchObject({ kind: "network", retryable: true, effect: "unknown" });

  leader.process.kill("SIGKILL");
  two!.process.kill("SIGKILL");
  const wantsLeader = { "Grpc-Metadata-hasleader": "true" };
  const alone = untilSaid("no leader", () =>
    gateway(one!.client, "kv/range", { ...a, serializable: true }, wantsLeader),
  );
  etcd.expectRow(await alone, "no leader");
  const late = etcd.expectRow(await caught(() => gateway(one!.client, "kv/range", a)), "request timed out");
  expect([late.kind, late.effect]).toEqual(["timeout", "unknown"]);
});

it("a store that is full", async () => {
  const cluster = await startEtcdCluster(1, "--quota-backend-bytes", "65536");
  onTestFinished(() => cluster.close());
  const value = "x".repeat(10_000);
  const full = untilSaid("space exceeded", () => gateway(cluster.members[0]!.client, "kv/put", { ...a, value }));
  const failure = etcd.expectRow(await full, "mvcc: database space exceeded");
  expect([failure.kind, failure.effect]).toEqual(["resource", "none"]);
});

it("a member that learns", async () => {
  const cluster = await startEtcdLearner();
  onTestFinished(() => cluster.close());
  const error = await caught(() => gateway(cluster.learner.client, "kv/put", a));
  const failure = etcd.expectRow(error, "rpc not supported for learner");
  expect([failure.kind, failure.retryable, failure.effect]).toEqual(["network", true, "none"]);
});

it("a watch that the server ends without an error", async () => {
  const server = new Server();
  onTestFinished(() => server.forceShutdown());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const watch = { path: "/etcdserverpb.Watch/Watch", requestStream: true, responseStream: true } as const;
  const codec = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  server.addService(
    { watch: { ...watch, ...codec } },
    {
      watch(call: ServerDuplexStream<Buffer, Buffer>) {
        call.once("data", () => {
          call.write(watchCreated);
          call.end();
        });
      },
    },
  );
  const listen = promisify(server.bindAsync.bind(server));
  const port = await listen("127.0.0.1:0", ServerCredentials.createInsecure());
  const client = new Etcd3({ hosts: `http://127.0.0.1:${port}` });
  const watcher = client.watch().key("a").watcher();
  const error = await new Promise((resolve) => watcher.once("disconnected", resolve));
  client.close();
  const failure = etcd.expectRow(error, "EtcdWatchStreamEnded");
  expect([failure.kind, failure.retryable]).toEqual(["network", true]);
});

/** WatchResponse with an empty header, `watch_id` 1 and `created`. */
const watchCreated = Buffer.from([0x0a, 0, 0x10, 1, 0x18, 1]);

it("these rows were provoked", () => etcd.expectOnly(etcdClusterRows));
