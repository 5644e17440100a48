import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { ServeTls } from "../port.ts";
import { makeCertificates } from "../tls/auto-certificates.ts";
import { readCertificates } from "./certificate-files.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-pem-"));
const { ca, peerCa, server, client } = makeCertificates(directory);
const at = (name: string): string => join(directory, name);
const text = (file: string): string => readFileSync(file, "utf8");
writeFileSync(at("nothing"), "nothing\n");
writeFileSync(at("broken"), text(server.cert).replace(/\n.{10}/, "\n"));
writeFileSync(at("bundle"), text(ca) + text(peerCa));
writeFileSync(at("half a bundle"), `${text(ca)}${text(at("broken"))}`);
writeFileSync(at("chain"), text(server.cert) + text(ca));

afterAll(() => rmSync(directory, { recursive: true }));

function read(cert: string, key: string, authority: string): ServeTls {
  return readCertificates<ServeTls>({
    cert: { option: "--cert-file", file: cert },
    key: { option: "--key-file", file: key },
    ca: { option: "--trusted-ca-file", file: authority },
  });
}

it("reads what belongs together, chains and bundles too", () => {
  expect(read(server.cert, server.key, ca)).toEqual({
    cert: text(server.cert),
    key: text(server.key),
    ca: text(ca),
  });
  expect(read(at("chain"), server.key, at("bundle")).ca).toBe(text(at("bundle")));
});

it.each<[cert: string, key: string, authority: string, message: string]>([
  [at("absent"), server.key, ca, `--cert-file: cannot read ${at("absent")} (ENOENT)`],
  [server.cert, at("absent"), ca, `--key-file: cannot read ${at("absent")} (ENOENT)`],
  [at("nothing"), server.key, ca, `--cert-file: ${at("nothing")} holds no certificate`],
  [at("broken"), server.key, ca, `--cert-file: ${at("broken")} holds no certificate (`],
  [server.cert, at("nothing"), ca, `--key-file: ${at("nothing")} holds no private key (`],
  [server.cert, server.cert, ca, `--key-file: ${server.cert} holds no private key (`],
  [server.cert, client.key, ca, `--key-file: ${client.key} is not the key of the certificate in ${server.cert}`],
  // OpenSSL by itself takes these.
  [server.cert, server.key, at("nothing"), `--trusted-ca-file: ${at("nothing")} holds no certificate`],
  [server.cert, server.key, at("half a bundle"), `--trusted-ca-file: ${at("half a bundle")} holds no certificate (`],
])("%s, %s, %s: %s", (cert, key, authority, message) => {
  expect(() => read(cert, key, authority)).toThrow(message);
});
