import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addressText, type ClusterPlan } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { certificateAuthority, readIdentity, type CertificateFiles } from "./certificates.ts";
import { nodeLine, planNodes, startNode } from "./gossip-nodes.ts";
import { run, start, until, type RunningCommand } from "./holdfast-command.ts";
import { cleanUp, undo } from "./lone-node.ts";

/** Who has signed everything so far, and who will. */
const [old, next] = [certificateAuthority(), certificateAuthority()];
const issued = (authority: typeof old) => ({
  server: authority.issue("server"),
  peer: authority.issue("peer"),
  me: authority.issue("me"),
});
const [before, after] = [issued(old), issued(next)];

let plan: ClusterPlan;
let nodes: RunningCommand[];
/** Where all nodes find what they go by. */
let files: Record<"ca" | "serverCert" | "serverKey" | "peerCert" | "peerKey", string>;

beforeAll(async () => {
  plan = await planNodes(3);
  const directory = join(plan.directory, "tls");
  mkdirSync(directory, { recursive: true });
  const at = (name: string): string => join(directory, name);
  files = {
    ca: at("ca.crt"),
    serverCert: at("server.crt"),
    serverKey: at("server.key"),
    peerCert: at("peer.crt"),
    peerKey: at("peer.key"),
  };
  install(before);
  copyFileSync(before.me.ca, files.ca);
  nodes = await Promise.all([0, 1, 2].map((index) => startNode(lineOf(index))));
});

afterAll(async () => {
  await cleanUp();
  old.remove();
  next.remove();
});

function lineOf(index: number): string[] {
  const { serverCert, serverKey, peerCert, peerKey, ca } = files;
  const security = [
    ["--cert-file", serverCert, "--key-file", serverKey, "--client-cert-auth", "--trusted-ca-file", ca],
    ["--peer-cert-file", peerCert, "--peer-key-file", peerKey, "--peer-trusted-ca-file", ca],
  ].flat();
  // A busy machine must not be the reason for an election.
  return [...nodeLine(plan, index), ...security, "--election-timeout-ms=1500"];
}

function install({ server, peer }: typeof before): void {
  copyFileSync(server.key, files.serverKey);
  copyFileSync(server.cert, files.serverCert);
  copyFileSync(peer.key, files.peerKey);
  copyFileSync(peer.cert, files.peerCert);
}

const endpoints = (): string => plan.members.map(({ client }) => `https://${addressText(client)}`).join(",");
const as = ({ cert, key }: CertificateFiles, ca: string): string[] => ["--cacert", ca, "--cert", cert, "--key", key];
const holdfast = (who: CertificateFiles, ...line: string[]) =>
  run([...line, "--endpoints", endpoints(), ...as(who, who.ca)]);

/** How often all nodes have said a thing. */
const said = (text: string): number => Math.min(...nodes.map((node) => node.stderr().split(text).length - 1));

const accepted = ["clients are shown the certificate as it is now", "members are shown the certificate as it is now"];

async function untilTaken(times: number): Promise<void> {
  for (const text of accepted) await until(`${text}, ${times} times`, 8000, () => said(text) >= times);
}

/** Who opens a connection to a member now, and what that shows. */
async function handshake(who: CertificateFiles, port: number): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ...readIdentity(who) });
  undo.push(() => socket.destroy());
  await once(socket, "secureConnect");
  // Only an answer says that the certificate was taken.
  socket.write("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
  const closed = once(socket, "close").then(() => Promise.reject(new Error("the member hung up")));
  await Promise.race([once(socket, "data"), closed]);
  return socket;
}

const term = async (who: CertificateFiles): Promise<number> => {
  const { stdout } = await holdfast(who, "status", "--json");
  return (JSON.parse(stdout) as { members: { term: number }[] }).members[0]!.term;
};

describe("certificates renewed while a cluster runs", () => {
  it("go over to another authority without a restart or a lost connection", async () => {
    const { me } = before;
    const port = plan.members[0]!.client.port;
    expect(await holdfast(me, "put", "a", "0")).toMatchObject({ code: 0 });
    const firstTerm = await term(me);
    const kept = await handshake(me, port);
    let closed = false;
    kept.once("close", () => (closed = true));
    const watcher = start(["watch", "a", "--count", "3", "--endpoints", endpoints(), ...as(me, me.ca)]);
    undo.push(() => watcher.child.kill("SIGKILL"));

    // First everybody trusts both. Nobody is told: the files are found to have changed.
    writeFileSync(files.ca, readFileSync(me.ca, "utf8") + readFileSync(after.me.ca, "utf8"));
    await untilTaken(1);
    expect(await holdfast(me, "put", "a", "1")).toMatchObject({ code: 0 });
    expect((await handshake({ ...after.me, ca: me.ca }, port)).authorized).toBe(true);

    // Then everybody shows what the next one has signed, and at last nobody trusts the old one.
    install(after);
    for (const { child } of nodes) child.kill("SIGHUP");
    await untilTaken(2);
    copyFileSync(after.me.ca, files.ca);
    for (const { child } of nodes) child.kill("SIGHUP");
    await untilTaken(3);

    const renewed = await handshake(after.me, port);
    expect(renewed.getPeerCertificate().fingerprint256).not.toBe(kept.getPeerCertificate().fingerprint256);
    await expect(handshake({ ...me, ca: after.me.ca }, port)).rejects.toThrow(/alert|reset|hung up/i);
    expect(await holdfast(me, "get", "a")).toMatchObject({ code: 3, stderr: expect.stringMatching(/certificate/) });
    expect(await holdfast(after.me, "put", "a", "2")).toMatchObject({ code: 0 });

    // What was open goes on, between members too: nobody has had to be elected.
    kept.write("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(String(await once(kept, "data"))).toContain('"health":"true"');
    expect(closed).toBe(false);
    expect(await term(after.me)).toBe(firstTerm);
    expect(await holdfast(after.me, "put", "a", "3")).toMatchObject({ code: 0 });
    expect((await watcher.done).stdout.match(/\d$/gm)).toEqual(["1", "2", "3"]);
  });

  it("a member that starts after that, and knows nothing of the old, is one of them", async () => {
    nodes[0]!.child.kill("SIGKILL");
    await nodes[0]!.done;
    expect(await holdfast(after.me, "put", "a", "4")).toMatchObject({ code: 0 });
    nodes[0] = await startNode(lineOf(0));
    const own = ["--endpoints", `https://${addressText(plan.members[0]!.client)}`, ...as(after.me, after.me.ca)];
    expect(await run(["get", "a", ...own])).toMatchObject({ code: 0, stdout: "4\n" });
  });

  it("stay as they are where the new ones make no sense, and say which file it is", async () => {
    const node = nodes[1]!;
    const refused = async (message: string): Promise<void> => {
      node.child.kill("SIGHUP");
      await until(message, 5000, () => node.stderr().includes(message));
    };
    copyFileSync(before.server.key, files.serverKey);
    await refused(
      `the certificate for clients stays as it is: --key-file: ${files.serverKey} is not the key of the certificate in`,
    );
    copyFileSync(after.server.key, files.serverKey);
    rmSync(files.peerCert);
    await refused(
      `the certificate for members stays as it is: --peer-cert-file: cannot read ${files.peerCert} (ENOENT)`,
    );
    copyFileSync(after.peer.cert, files.peerCert);
    writeFileSync(files.ca, "nothing");
    await refused(`the certificate for clients stays as it is: --trusted-ca-file: ${files.ca} holds no certificate`);
    await refused(
      `the certificate for members stays as it is: --peer-trusted-ca-file: ${files.ca} holds no certificate`,
    );
    expect((await handshake(after.me, plan.members[1]!.client.port)).authorized).toBe(true);
    expect(await holdfast(after.me, "get", "a")).toMatchObject({ code: 0, stdout: "4\n" });
  });
});
