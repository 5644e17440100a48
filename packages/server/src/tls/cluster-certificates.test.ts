import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { makeClusterCertificates } from "./cluster-certificates.ts";

const now = new Date("2030-01-01T00:00:00Z");
const later = (days: number): Date => new Date(now.getTime() + days * 86_400_000);
const made: string[] = [];

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

function place(): string {
  made.push(mkdtempSync(join(tmpdir(), "holdfast-certificates-")));
  return join(made.at(-1)!, "tls");
}

const make = (directory: string, at: Date = now, days: number = 365) =>
  makeClusterCertificates({
    directory,
    members: new Map([
      ["n1", ["10.0.0.1", "shop.example"]],
      ["n2", ["n2.example", "shop.example"]],
    ]),
    clients: ["root", "ann"],
    days,
    now: at,
  });

const read = (...path: string[]): X509Certificate => new X509Certificate(readFileSync(join(...path)));

it("makes what each machine needs, by two authorities, and no key of these leaves their place", () => {
  const directory = place();
  const { members, clients, validUntil, isFirst } = make(directory);
  expect([validUntil, isFirst]).toEqual([later(365), true]);
  const [ca, peerCa] = ["ca.crt", "peer-ca.crt"].map((file) => read(directory, file)) as [
    X509Certificate,
    X509Certificate,
  ];
  for (const { directory: own, name } of members) {
    expect(readdirSync(own).toSorted()).toEqual([
      "ca.crt",
      "peer-ca.crt",
      "peer.crt",
      "peer.key",
      "server.crt",
      "server.key",
    ]);
    const [server, peer] = [read(own, "server.crt"), read(own, "peer.crt")];
    expect([server.verify(ca.publicKey), server.verify(peerCa.publicKey)]).toEqual([true, false]);
    expect([peer.verify(ca.publicKey), peer.verify(peerCa.publicKey)]).toEqual([false, true]);
    expect([server.subject, server.validToDate]).toEqual([`CN=${name}`, later(365)]);
    for (const host of ["shop.example", "localhost"]) expect(server.checkHost(host)).toBe(host);
    // Members know each other by the host that --cluster names, and by no other machine's.
    expect(peer.checkHost("localhost")).toBeUndefined();
    expect(statSync(join(own, "server.key")).mode & 0o777).toBe(0o600);
  }
  expect([
    read(directory, "n1", "peer.crt").checkIP("10.0.0.1"),
    read(directory, "n2", "peer.crt").checkIP("10.0.0.1"),
  ]).toEqual(["10.0.0.1", undefined]);
  for (const { directory: own, name } of clients) {
    expect(readdirSync(own).toSorted()).toEqual(["ca.crt", "client.crt", "client.key"]);
    expect(read(own, "client.crt").subject).toBe(`CN=${name}`);
    expect(read(own, "client.crt").verify(ca.publicKey)).toBe(true);
  }
});

it("signs anew by the same authorities", () => {
  const directory = place();
  make(directory);
  const before = readFileSync(join(directory, "ca.crt"), "utf8");
  expect(make(directory, later(300))).toMatchObject({ isFirst: false, validUntil: later(665) });
  expect(readFileSync(join(directory, "n1", "ca.crt"), "utf8")).toBe(before);
  expect(read(directory, "n1", "server.crt").verify(new X509Certificate(before).publicKey)).toBe(true);
});

it.each<[string, (directory: string) => void, Date]>([
  ["ca.key, and not", (at) => rmSync(join(at, "ca.crt")), now],
  ["peer-ca.crt, and not", (at) => rmSync(join(at, "peer-ca.key")), now],
  ["cannot be used", (at) => writeFileSync(join(at, "ca.crt"), "nothing"), now],
  [
    "they do not belong together",
    (at) => writeFileSync(join(at, "ca.key"), readFileSync(join(at, "peer-ca.key"))),
    now,
  ],
  ["sooner than what it would sign", () => undefined, later(3_400)],
])("makes no other authority where there is one: %s", (message, harm, at) => {
  const directory = place();
  make(directory);
  const server = readFileSync(join(directory, "n1", "server.crt"), "utf8");
  harm(directory);
  expect(() => make(directory, at)).toThrow(message);
  expect(readFileSync(join(directory, "n1", "server.crt"), "utf8")).toBe(server);
});
