import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { addressText } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { afterEach, expect, it } from "vitest";
import { nodeLine, planNodes, startNode } from "./gossip-nodes.ts";
import { run, until } from "./holdfast-command.ts";
import { cleanUp } from "./lone-node.ts";

afterEach(cleanUp);

it("certificates of one command secure members that are started one by one, and let users in by their names", async () => {
  const plan = await planNodes(2);
  const directory = join(plan.directory, "tls");
  const cluster = plan.members.map(({ name, peer }) => `${name}=${addressText(peer)}`).join(",");
  const line = ["certificates", "--cluster", cluster, "--dir", directory, "--clients", "ann,bob", "--json"];
  const made = await run(line);
  expect(made).toMatchObject({ code: 0 });
  expect(JSON.parse(made.stdout)).toMatchObject({ isFirst: true, members: [{ name: "n1" }, { name: "n2" }] });
  const tls = (name: string): string[] => {
    const at = (file: string): string => join(directory, name, file);
    return [
      ["--cert-file", at("server.crt"), "--key-file", at("server.key"), "--client-cert-auth"],
      ["--trusted-ca-file", at("ca.crt"), "--peer-cert-file", at("peer.crt"), "--peer-key-file", at("peer.key")],
      ["--peer-trusted-ca-file", at("peer-ca.crt")],
    ].flat();
  };
  await Promise.all(plan.members.map(({ name }, at) => startNode([...nodeLine(plan, at), ...tls(name)])));
  const ann = (file: string): string => join(directory, "client-ann", file);
  const files = ["--cacert", ann("ca.crt"), "--cert", ann("client.crt"), "--key", ann("client.key")];
  const endpoints = plan.members.map(({ client }) => `https://${addressText(client)}`).join();
  // Go reads certificates more strictly than OpenSSL.
  const etcdctl = async (...words: string[]): Promise<string> => {
    const env = { ...process.env, ETCDCTL_API: "3" };
    const { stdout } = await promisify(execFile)("etcdctl", ["--endpoints", endpoints, ...files, ...words], { env });
    return stdout;
  };
  await until("a write", 20_000, async () => (await etcdctl("put", "k", "v").catch(String)) === "OK\n");
  expect(await etcdctl("get", "k")).toBe("k\nv\n");
  expect((await etcdctl("member", "list")).match(/https:/g)).toHaveLength(4);
});
