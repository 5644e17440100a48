import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { createAuthority, issueCertificate } from "./certificate-authority.ts";

const validFrom = new Date("2026-01-02T03:04:05Z");
const validUntil = new Date("2036-01-02T03:04:05Z");
const authority = createAuthority({ name: "the authority", validFrom, validUntil });

describe("an authority", () => {
  it("signs itself, and may sign others", () => {
    const own = new X509Certificate(authority.cert);
    expect(own.subject).toBe("CN=the authority");
    expect(own.ca).toBe(true);
    expect(own.checkIssued(own)).toBe(true);
    expect(own.verify(own.publicKey)).toBe(true);
    expect(own.checkPrivateKey(createPrivateKey(authority.key))).toBe(true);
    expect([own.validFromDate, own.validToDate]).toEqual([validFrom, validUntil]);
  });

  it("signs certificates for names and addresses, for both ends of TLS", () => {
    const hosts = ["localhost", "a.example", "127.0.0.1", "::1", "2001:db8::a:1", "1:2:3:4:5:6:7:8", "fe80::"];
    const pair = issueCertificate(authority, { name: "member", hosts, validFrom, validUntil });
    const issued = new X509Certificate(pair.cert);
    const by = new X509Certificate(authority.cert);
    expect(issued.checkIssued(by)).toBe(true);
    expect(issued.verify(by.publicKey)).toBe(true);
    expect(issued.ca).toBe(false);
    expect(issued.checkPrivateKey(createPrivateKey(pair.key))).toBe(true);
    for (const host of ["localhost", "a.example"]) expect(issued.checkHost(host)).toBe(host);
    for (const address of hosts.slice(2)) expect([address, issued.checkIP(address)]).toEqual([address, address]);
    expect(issued.checkHost("b.example")).toBeUndefined();
    expect(issued.checkIP("127.0.0.2")).toBeUndefined();
    expect(issued.checkIP("2001:db8::a:2")).toBeUndefined();
    // Server and client authentication.
    expect(issued.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  });

  it("does not sign for another", () => {
    const other = createAuthority({ name: "the authority", validFrom, validUntil });
    const pair = issueCertificate(other, { name: "x", hosts: ["a"], validFrom, validUntil });
    const issued = new X509Certificate(pair.cert);
    expect(issued.verify(new X509Certificate(authority.cert).publicKey)).toBe(false);
    // Of the same name, but its key's digest is another.
    expect(issued.checkIssued(new X509Certificate(authority.cert))).toBe(false);
  });
});

describe("a certificate", () => {
  it.each([
    ["1999-12-31T23:59:59Z", "2049-12-31T23:59:59Z"],
    ["2050-01-01T00:00:00Z", "2123-04-05T06:07:08Z"],
  ])("is valid from %s to %s", (from, until) => {
    const period = { validFrom: new Date(from), validUntil: new Date(until) };
    const { cert } = issueCertificate(authority, { name: "x", hosts: ["a"], ...period });
    const { validFromDate, validToDate } = new X509Certificate(cert);
    expect([validFromDate, validToDate]).toEqual([new Date(from), new Date(until)]);
  });

  it.each([1, 30, 64, 100, 200, 3000])("is for %i hosts", (count) => {
    const hosts = Array.from({ length: count }, (_, at) => `host-${at}.example`);
    const { cert } = issueCertificate(authority, { name: "Jörg ✓", hosts, validFrom, validUntil });
    const read = new X509Certificate(cert);
    expect(read.subjectAltName?.split(", ")).toEqual(hosts.map((host) => `DNS:${host}`));
    expect(read.toLegacyObject().subject.CN).toBe("Jörg ✓");
  });

  it("has a number of its own, of at most 20 bytes", () => {
    const numbers = Array.from({ length: 50 }, () => {
      const { cert } = issueCertificate(authority, { name: "x", hosts: ["a"], validFrom, validUntil });
      return new X509Certificate(cert).serialNumber;
    });
    expect(new Set(numbers).size).toBe(50);
    for (const number of numbers) expect(number).toMatch(/^[4-7][0-9A-F]{31}$/);
  });
});

it("leaves Node's TLS whole for whoever loads it later", () => {
  const authorities = pathToFileURL(join(import.meta.dirname, "certificate-authority.ts")).href;
  const program = `
    const { createAuthority, issueCertificate } = await import(${JSON.stringify(authorities)});
    const period = { validFrom: new Date("2026-01-01Z"), validUntil: new Date("2036-01-01Z") };
    issueCertificate(createAuthority({ name: "a", ...period }), { name: "x", hosts: ["h"], ...period });
    console.log(typeof (await import("node:tls")).createSecureContext);`;
  const line = ["--conditions=source", "--input-type=module", "--eval", program];
  expect(execFileSync(process.execPath, line, { encoding: "utf8" }).trim()).toBe("function");
});
