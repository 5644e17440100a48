import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import type { DrillReport } from "holdfast/proof";
import { makeCertificates, type PairFiles } from "../../packages/server/src/tls/auto-certificates.ts";
import { freePortRange } from "./free-ports.ts";
import { run, start, temporaryDirectory, until } from "./holdfast-command.ts";
import { cleanUp, undo } from "./lone-node.ts";

interface Ready {
  readonly clientUrl: string;
  readonly members: readonly { readonly clientUrl: string; readonly httpUrl: string }[];
  readonly tls: { readonly cacert: string; readonly cert?: string; readonly key?: string };
}

afterAll(cleanUp);

function directory(): string {
  const made = temporaryDirectory();
  undo.push(() => made.remove());
  return made.path;
}

async function up(...options: string[]): Promise<ReturnType<typeof start> & { ready: Ready }> {
  const command = start(["up", "--json", ...options]);
  undo.push(async () => {
    command.child.kill("SIGKILL");
    await command.done;
  });
  return { ...command, ready: JSON.parse(await command.firstLine()) as Ready };
}

/** The options that name files, as `up` tells them. */
const filesOf = ({ tls }: Ready): string[] => Object.entries(tls).flatMap(([name, file]) => [`--${name}`, file]);

function dial(port: number, ca: string, own?: PairFiles): TLSSocket {
  const pem = own === undefined ? {} : { cert: readFileSync(own.cert), key: readFileSync(own.key) };
  const socket = connect({ host: "127.0.0.1", port, ca: readFileSync(ca), ...pem });
  undo.push(() => socket.destroy());
  return socket;
}

/** Whether a port takes whoever dials it so: it gives a ticket for another time once it has seen his certificate. */
function isTaken(...line: Parameters<typeof dial>): Promise<boolean> {
  const socket = dial(...line);
  socket.on("error", () => undefined);
  return new Promise((resolve) => {
    socket.once("session", () => resolve(true)).once("close", () => resolve(false));
  });
}

describe("holdfast up --tls", () => {
  it.concurrent("auto: serves who trusts its authority; members trust nobody else", async () => {
    const data = join(directory(), "data");
    const port = await freePortRange(10);
    const line = ["--data", data, "--port", String(port), "--nodes", "1", "--tls", "auto"];
    const cluster = await up(...line);
    const { ready, child, done } = cluster;
    const at = (name: string): string => join(data, "tls", name);
    expect(ready).toMatchObject({ clientUrl: `https://127.0.0.1:${port}`, tls: { cacert: at("ca.crt") } });
    expect(ready.members[0]).toMatchObject({ clientUrl: ready.clientUrl, httpUrl: `https://127.0.0.1:${port + 2}` });
    const verify = (ca: string, cert: string): string =>
      execFileSync("openssl", ["verify", "-x509_strict", "-CAfile", at(ca), at(cert)], { encoding: "utf8" });
    expect(verify("ca.crt", "server.crt")).toBe(`${at("server.crt")}: OK\n`);
    expect(verify("peer-ca.crt", "peer.crt")).toBe(`${at("peer.crt")}: OK\n`);

    const client = ["--endpoints", ready.clientUrl, ...filesOf(ready)];
    expect(await run(["put", "a", "1", ...client])).toMatchObject({ code: 0 });
    const env = { ...process.env, ETCDCTL_API: "3" };
    const [endpoints, ...files] = client.slice(1);
    const got = await promisify(execFile)("etcdctl", [`--endpoints=${endpoints}`, ...files, "get", "a"], { env });
    expect(got.stdout).toBe("a\n1\n");
    expect(await run(["get", "a", "--endpoints", ready.clientUrl])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/unable to verify[^]*: --cacert FILE/),
    });

    const pair = (name: string): PairFiles => ({ cert: at(`${name}.crt`), key: at(`${name}.key`) });
    expect(await isTaken(port + 1, at("peer-ca.crt"), pair("peer"))).toBe(true);
    expect(await isTaken(port + 1, at("peer-ca.crt"), pair("client"))).toBe(false);
    expect(await isTaken(port + 1, at("peer-ca.crt"))).toBe(false);

    // Members that a supervisor runs find new certificates too.
    const serial = async (): Promise<string> => {
      const socket = dial(port, at("ca.crt"));
      await once(socket, "secureConnect");
      return socket.getPeerCertificate().serialNumber;
    };
    const before = await serial();
    makeCertificates(join(data, "tls"));
    await until("the new certificate", 10_000, async () => (await serial()) !== before);
    await until("word of it", 5000, () =>
      cluster.stderr().includes(`n1: clients are shown the certificate as it is now: `),
    );

    child.kill("SIGINT");
    expect(await done).toMatchObject({ code: 0, stderr: expect.stringMatching(/ --tls auto\n$/) });
  });

  it.concurrent("mutual: serves who shows the certificate that it has made", async () => {
    const port = String(await freePortRange(10));
    const { ready } = await up("--data", directory(), "--port", port, "--nodes", "1", "--tls", "mutual");
    const client = ["--endpoints", ready.clientUrl, ...filesOf(ready)];
    expect(client).toHaveLength(8);
    expect(await run(["put", "a", "1", ...client])).toMatchObject({ code: 0 });
    expect(await run(["get", "a", ...client.slice(0, 4)])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/\(tlsv13 alert certificate required\)[^]*: --cert FILE and --key FILE/),
    });
  });

  it.concurrent("takes given certificates as a node does", async () => {
    const place = directory();
    const { ca, server } = makeCertificates(join(place, "given"));
    const line = ["--data", join(place, "data"), "--port", String(await freePortRange(10)), "--nodes", "1"];
    const { ready } = await up(...line, "--cert-file", server.cert, "--key-file", server.key, "--cacert", ca);
    expect(ready.tls).toEqual({ cacert: ca });
    expect(await run(["put", "a", "1", "--endpoints", ready.clientUrl, "--cacert", ca])).toMatchObject({ code: 0 });
  });

  it.concurrent("a drill passes in TLS, and leaves nothing behind", async () => {
    const { code, stdout } = await run(["drill", "leader-kill", "--tls", "mutual", "--seconds", "1", "--json"]);
    const report = JSON.parse(stdout) as DrillReport;
    expect(report).toMatchObject({ verdict: "passed", measures: { lostWrites: 0, linearizable: true }, history: null });
    expect(report.faults).toHaveLength(1);
    expect(code).toBe(0);
  });
});
