import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { makeCertificates } from "../tls/auto-certificates.ts";
import { clusterTls, clusterTlsOptions, tlsAgain } from "./cluster-tls.ts";
import type { OptionValues } from "./option.ts";

type Values = OptionValues<typeof clusterTlsOptions>;

const directory = mkdtempSync(join(tmpdir(), "holdfast-cluster-tls-"));
const given = makeCertificates(join(directory, "given"));
const none = Object.fromEntries(
  Object.entries(clusterTlsOptions).map(([name, option]) => [name, option.default]),
) as Values;
const server = { certFile: given.server.cert, keyFile: given.server.key };

afterAll(() => rmSync(directory, { recursive: true }));

it("is nothing unless asked for", async () => {
  expect(await clusterTls(none, directory)).toBeUndefined();
  expect(tlsAgain(none)).toBe("");
});

it.each(["auto", "mutual"] as const)(
  "%s: makes certificates, and knows what to give to nodes and clients",
  async (tls) => {
    const options = { ...none, tls };
    const made = await clusterTls(options, directory);
    const at = (file: string): string => join(directory, "tls", file);
    const isMutual = tls === "mutual";
    expect(made?.nodeLine).toEqual([
      `--cert-file=${at("server.crt")}`,
      `--key-file=${at("server.key")}`,
      ...(isMutual ? ["--client-cert-auth", `--trusted-ca-file=${at("ca.crt")}`] : []),
      `--peer-cert-file=${at("peer.crt")}`,
      `--peer-key-file=${at("peer.key")}`,
      `--peer-trusted-ca-file=${at("peer-ca.crt")}`,
    ]);
    const own = isMutual ? { cert: at("client.crt"), key: at("client.key") } : {};
    expect(made?.clientFiles).toEqual({ cacert: at("ca.crt"), ...own });
    expect(made?.own.ca).toBe(readFileSync(at("ca.crt"), "utf8"));
    expect(made?.own.key).toBe(isMutual ? readFileSync(at("client.key"), "utf8") : undefined);
    expect(tlsAgain(options)).toBe(` --tls ${tls}`);
  },
);

it("takes given files as a node does, and what itself goes by as a client does", async () => {
  const options = { ...none, ...server, cacert: given.ca };
  const found = await clusterTls(options, directory);
  const line = [`--cert-file=${server.certFile}`, `--key-file=${server.keyFile}`];
  expect(found).toEqual({
    nodeLine: line,
    isClientSecure: true,
    own: { ca: readFileSync(given.ca, "utf8") },
    clientFiles: { cacert: given.ca },
  });
  expect(tlsAgain(options)).toBe(` ${line.join(" ")} --cacert=${given.ca}`);
});

it("leaves clients in plain text where only members are given certificates", async () => {
  const { cert, key } = given.peer;
  const peers = { peerCertFile: cert, peerKeyFile: key, peerTrustedCaFile: given.peerCa };
  expect(await clusterTls({ ...none, ...peers }, directory)).toMatchObject({ isClientSecure: false, own: {} });
});

it("makes none where some are given", async () => {
  await expect(clusterTls({ ...none, ...server, tls: "auto" }, directory)).rejects.toThrow(
    "--tls auto makes certificates: leave --cert-file and --peer-cert-file out, or --tls",
  );
});
