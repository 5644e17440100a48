import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { Etcd3 } from "etcd3";
import { wireType } from "../../packages/server/src/etcd/wire-type.ts";
import { addressText } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../process/holdfast-command.ts";
import { startRealCluster, type RealCluster } from "../process/real-cluster.ts";
import { requireProgram } from "./endpoint.ts";
import { RunningEtcdctl } from "./running-etcdctl.ts";

let cluster: RealCluster;
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  cluster = await startRealCluster(3);
});

afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  await cluster?.close();
});

const addresses = (): string[] => cluster.plan.members.map(({ client }) => addressText(client));

/** The gRPC project's own client, on all members in turn. */
function grpcPut(): (key: string) => Promise<unknown> {
  const client = new Client(`ipv4:${addresses().join(",")}`, credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  });
  undo.push(() => client.close());
  const [request, response] = [wireType("PutRequest"), wireType("PutResponse")];
  return (key) =>
    new Promise((resolve, reject) =>
      client.makeUnaryRequest(
        "/etcdserverpb.KV/Put",
        request.encode,
        response.decode,
        { key: Buffer.from(key), value: Buffer.from(key) },
        new Metadata(),
        {},
        (error, answer) => (error === null ? resolve(answer) : reject(error)),
      ),
    );
}

/** What writers of keys of their own, one after the other each, had acknowledged, and what went wrong. */
interface Writes {
  readonly written: string[];
  readonly failed: string[];
  readonly done: Promise<unknown>;
}

function write(name: string, lanes: number, put: (key: string) => Promise<unknown>, isOver: () => boolean): Writes {
  const [written, failed]: [string[], string[]] = [[], []];
  const run = async (lane: number): Promise<void> => {
    for (let at = 0; !isOver(); at++) {
      const key = `roll/${name}/${lane}/${at}`;
      await put(key).then(
        () => written.push(key),
        (error: Error) => failed.push(`${key}: ${error.message}`),
      );
    }
  };
  return { written, failed, done: Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane))) };
}

/** What etcd3 says of a member that is away; by its defaults it leaves it to the caller to ask again. */
const isAway = /ECONNREFUSED|circuit breaker is open|No connection established/;

async function untilThere(put: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await put();
      return;
    } catch (error) {
      if (!isAway.test((error as Error).message)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function restart(name: string): Promise<void> {
  const { supervisor } = cluster;
  const { pid } = supervisor.member(name);
  process.kill(pid!, "SIGTERM");
  await until(`${name} has stopped`, 10_000, () => supervisor.member(name).state === "down");
  expect(supervisor.member(name).lastExit).toMatchObject({ code: 0 });
  await supervisor.start(name);
  const url = cluster.urls[cluster.plan.members.findIndex((member) => member.name === name)]!;
  await until(`${name} is ready`, 10_000, async () => (await fetch(`${url}/readyz`)).status === 200);
}

it("a rolling restart costs clients no request and watches no event", async () => {
  const etcd3 = new Etcd3({ hosts: cluster.urls as string[] });
  undo.push(() => etcd3.close());
  const told: string[] = [];
  const watcher = await etcd3.watch().prefix("roll/").create();
  undo.push(() => watcher.cancel());
  const seen = { reconnects: 0, errors: [] as unknown[] };
  watcher.on("put", ({ key }) => told.push(key.toString()));
  watcher.on("disconnected", () => seen.reconnects++);
  watcher.on("error", (error) => seen.errors.push(error));
  const watch = new RunningEtcdctl({ client: addresses().join(","), close: () => Promise.resolve() }, [
    "watch",
    "--prefix",
    "roll/",
    "--rev=1",
  ]);
  undo.push(() => watch.kill());

  let over = false;
  const byGrpc = write("grpc", 8, grpcPut(), () => over);
  const byEtcd3 = write(
    "etcd3",
    1,
    (key) => untilThere(async () => etcd3.put(key).value(key)),
    () => over,
  );
  await until("etcdctl is told", 10_000, () => watch.printed.includes("roll/"));
  const leader = await cluster.leader();
  const follower = cluster.plan.members.find(({ name }) => name !== leader)!.name;
  for (const name of [leader, follower]) await restart(name);
  over = true;
  await Promise.all([byGrpc.done, byEtcd3.done]);

  expect([byGrpc.failed, byEtcd3.failed, seen.errors]).toEqual([[], [], []]);
  const written = [...byGrpc.written, ...byEtcd3.written].sort();
  const printed = (): string[] => watch.printed.split("\n").filter((_, at, lines) => lines[at - 1] === "PUT");
  await until("etcd3 is told all", 10_000, () => told.length >= written.length);
  await until("etcdctl is told all", 10_000, () => printed().length >= written.length);
  expect(told.sort()).toEqual(written);
  expect(printed().sort()).toEqual(written);
  // Its keys and values, and nothing that went wrong.
  expect(
    watch.printed.split("\n").filter((line) => line !== "" && line !== "PUT" && !line.startsWith("roll/")),
  ).toEqual([]);
});
