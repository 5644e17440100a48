import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { makeCertificates, type AutoCertificates } from "./auto-certificates.ts";

const made: string[] = [];

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

function directory(): string {
  made.push(mkdtempSync(join(tmpdir(), "holdfast-certificates-")));
  return join(made.at(-1)!, "tls");
}

const read = (file: string): X509Certificate => new X509Certificate(readFileSync(file));

/** Which of the files' certificates are signed by what clients, and what members trust. */
function signers({ ca, peerCa, server, client, peer }: AutoCertificates): Record<string, boolean[]> {
  const authorities = [ca, peerCa].map((file) => read(file).publicKey);
  const entries = Object.entries({ server, client, peer });
  return Object.fromEntries(entries.map(([name, { cert }]) => [name, authorities.map((by) => read(cert).verify(by))]));
}

const now = new Date("2030-01-01T00:00:00Z");
const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000);

describe("certificates of our own making", () => {
  it("are for this machine, valid for a year, and members' are signed by another authority", () => {
    const files = makeCertificates(directory(), now);
    expect(signers(files)).toEqual({ server: [true, false], client: [true, false], peer: [false, true] });
    for (const { cert } of [files.server, files.client, files.peer]) {
      const one = read(cert);
      expect([one.checkHost("localhost"), one.checkIP("127.0.0.1"), one.checkIP("::1")]).not.toContain(undefined);
      expect(one.validToDate).toEqual(days(365));
      expect(one.validFromDate < now).toBe(true);
    }
    for (const { key } of [files.server, files.client, files.peer]) expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(statSync(join(files.ca, "..")).mode & 0o777).toBe(0o700);
  });

  it("are made anew each time by the same authorities", () => {
    const place = directory();
    const first = makeCertificates(place, now);
    const [ca, peerCa, server] = [first.ca, first.peerCa, first.server.cert].map((file) => readFileSync(file, "utf8"));
    const again = makeCertificates(place, days(300));
    expect(again).toEqual(first);
    expect([ca, peerCa]).toEqual([first.ca, first.peerCa].map((file) => readFileSync(file, "utf8")));
    expect(readFileSync(again.server.cert, "utf8")).not.toBe(server);
    expect(signers(again)).toEqual({ server: [true, false], client: [true, false], peer: [false, true] });
  });

  it.each<[string, Date, (files: AutoCertificates) => void]>([
    ["would end before what they sign", days(3650 - 364), () => undefined],
    ["cannot be read", now, ({ ca }) => writeFileSync(ca, readFileSync(ca, "utf8").slice(0, 200))],
    [
      "do not fit their key",
      now,
      ({ ca, server }) => writeFileSync(ca.replace("crt", "key"), readFileSync(server.key)),
    ],
    ["are half there", now, ({ ca }) => rmSync(ca)],
  ])("by another authority when those of before %s", (_, at, harm) => {
    const place = directory();
    const first = makeCertificates(place, now);
    const ca = readFileSync(first.ca, "utf8");
    harm(first);
    const again = makeCertificates(place, at);
    expect(readFileSync(again.ca, "utf8")).not.toBe(ca);
    expect(signers(again)).toEqual({ server: [true, false], client: [true, false], peer: [false, true] });
  });
});
