import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { addressText } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { makeCertificates } from "../../packages/server/src/tls/auto-certificates.ts";
import { nodeLine, planNodes, startNode } from "./gossip-nodes.ts";
import { run, until } from "./holdfast-command.ts";
import { cleanUp } from "./lone-node.ts";

afterAll(cleanUp);

interface Listed {
  readonly members: readonly { readonly name: string; readonly peerUrls: readonly string[] }[];
}

describe("members that come to a cluster in TLS", () => {
  it("are announced with https:// whatever was said, and find the others by gossip", async () => {
    const plan = await planNodes(2);
    const [first, second] = plan.members as [(typeof plan.members)[number], (typeof plan.members)[number]];
    const { ca, server, client, peerCa, peer } = makeCertificates(join(plan.directory, "tls"));
    const security = [
      ["--cert-file", server.cert, "--key-file", server.key, "--client-cert-auth", "--trusted-ca-file", ca],
      ["--peer-cert-file", peer.cert, "--peer-key-file", peer.key, "--peer-trusted-ca-file", peerCa],
    ].flat();
    await startNode([...nodeLine({ ...plan, members: [first] }, 0), ...security]);

    const files = ["--cacert", ca, "--cert", client.cert, "--key", client.key];
    const endpoint = `https://${addressText(first.client)}`;
    const holdfast = (...line: string[]) => run([...line, "--endpoints", endpoint, ...files]);
    const etcdctl = async (...line: string[]): Promise<string> => {
      const env = { ...process.env, ETCDCTL_API: "3" };
      return (await promisify(execFile)("etcdctl", [`--endpoints=${endpoint}`, ...files, ...line], { env })).stdout;
    };
    const urls = async (): Promise<readonly string[]> => {
      const { members } = JSON.parse((await holdfast("member", "list", "--json")).stdout) as Listed;
      return members.flatMap(({ peerUrls }) => peerUrls).sort();
    };
    expect(await urls()).toEqual([`https://${addressText(first.peer)}`]);
    // etcd would take this, and never reach the member.
    await etcdctl("member", "add", "n2", "--learner", `--peer-urls=http://${addressText(second.peer)}`);
    const all = [first, second].map(({ peer: { port } }) => `https://127.0.0.1:${port}`).sort();
    expect(await urls()).toEqual(all);

    const line = nodeLine(plan, 1, 0);
    await startNode([...line, ...security]);
    await until("n2 votes", 10_000, async () => (await holdfast("member", "promote", "n2")).code === 0);
    const put = ["put", "a", "1", "--endpoints", `https://${addressText(second.client)}`, ...files];
    expect(await run(put)).toMatchObject({ code: 0 });
    expect(await holdfast("get", "a")).toMatchObject({ code: 0, stdout: "1\n" });
    expect(await urls()).toEqual(all);
    expect(await etcdctl("member", "list")).toMatch(/(.*, https:\/\/.*, https:\/\/.*\n){2}/);
  });
});
