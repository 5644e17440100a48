import { spawn } from "node:child_process";
import { afterEach, beforeAll, expect, it } from "vitest";
import { until } from "../process/holdfast-command.ts";
import { startRealCluster, type RealCluster } from "../process/real-cluster.ts";
import { requireProgram } from "./endpoint.ts";

let cluster: RealCluster | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

async function put(url: string, value: string): Promise<boolean> {
  const body = JSON.stringify({ key: btoa("k"), value: btoa(value) });
  const answer = await fetch(`${url}/v3/kv/put`, { method: "POST", body }).catch(() => undefined);
  return answer?.status === 200;
}

/** `etcdctl watch`, which asks for a leader. */
function etcdctlWatch(url: string): { readonly printed: () => string; readonly over: Promise<number | null> } {
  const child = spawn("etcdctl", [`--endpoints=${url}`, "watch", "k", "--rev=1"], {
    env: { ...process.env, ETCDCTL_API: "3" },
  });
  let printed = "";
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding("utf8").on("data", (text: string) => (printed += text));
  }
  return { printed: () => printed, over: new Promise((resolve) => child.once("close", resolve)) };
}

beforeAll(() => requireProgram("etcdctl", "etcd-client"));

it("a watch that asks for a leader ends without one; another stands still and goes on when there is one", async () => {
  cluster = await startRealCluster(3);
  const { plan, supervisor, urls } = cluster;
  const leader = await cluster.leader();
  const names = plan.members.map((member) => member.name);
  const survivor = names.find((name) => name !== leader)!;
  const url = urls[names.indexOf(survivor)]!;
  expect(await put(url, "before")).toBe(true);

  const demanding = etcdctlWatch(url);
  await until("etcdctl is told", 10_000, () => demanding.printed().includes("before"));
  const response = await fetch(`${url}/v3/watch`, {
    method: "POST",
    body: JSON.stringify({ create_request: { key: btoa("k") } }),
  });
  const patient = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await patient.read()).value).toContain('"created":true');

  const dead = names.filter((name) => name !== survivor);
  for (const { exit } of await Promise.all(dead.map((name) => supervisor.kill(name)))) {
    expect(exit.signal).toBe("SIGKILL");
  }
  expect(await demanding.over).not.toBe(0);
  expect(demanding.printed()).toContain("etcdserver: no leader");
  const late = etcdctlWatch(url);
  expect(await late.over).not.toBe(0);
  expect(late.printed()).toContain("etcdserver: no leader");

  await Promise.all(dead.map((name) => supervisor.start(name)));
  await until("there is a leader again", 20_000, () => put(url, "after"));
  const { value } = await patient.read();
  expect(value).toContain(`"value":"${btoa("after")}"`);
  await patient.cancel();
});
