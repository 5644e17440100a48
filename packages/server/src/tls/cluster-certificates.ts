import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority, issueCertificate, type CertificatePair } from "./certificate-authority.ts";

export interface ClusterCertificatesOptions {
  /** Where the authorities are kept, and a directory for each member and client. */
  readonly directory: string;
  /** By name: the hosts that the others, and its clients, reach a member by. */
  readonly members: ReadonlyMap<string, readonly string[]>;
  readonly clients: readonly string[];
  /** How long what is signed now is valid. */
  readonly days: number;
  readonly now: Date;
}

/** What was made, by file. */
export interface ClusterCertificates {
  readonly validUntil: Date;
  /** Authorities that were there are used again: who trusts them trusts what is signed now. */
  readonly isFirst: boolean;
  readonly members: readonly MemberCertificates[];
  readonly clients: readonly ClientCertificate[];
}

export interface MemberCertificates {
  readonly name: string;
  /** All that its machine needs, and nothing that signs. */
  readonly directory: string;
}

export interface ClientCertificate {
  readonly name: string;
  readonly directory: string;
}

const dayMs = 86_400_000;
/** Clocks differ; certificates of this moment would be refused by those that are behind. */
const leewayMs = 3_600_000;
const authorityDays = 3650;
const ownHosts = ["localhost", "127.0.0.1", "::1"] as const;

/**
 * Makes certificates for members on machines of their own: two authorities once, one for clients and one among members, and
 * with every call anew what they sign.
 *
 * @throws Error when an authority is only half there, damaged, or ends before what it would sign; the platform's error
 */
export function makeClusterCertificates(options: ClusterCertificatesOptions): ClusterCertificates {
  const { directory, members, clients, days, now } = options;
  const validFrom = new Date(now.getTime() - leewayMs);
  const validUntil = new Date(now.getTime() + days * dayMs);
  makeDirectory(directory);
  const known = ["ca", "peer-ca"].map((name) => keptAuthority(directory, name, validUntil));
  const [ca, peerCa] = known.map((pair, at) => pair ?? newAuthority(directory, at === 0 ? "ca" : "peer-ca")) as [
    CertificatePair,
    CertificatePair,
  ];

  function newAuthority(into: string, name: string): CertificatePair {
    const until = new Date(now.getTime() + authorityDays * dayMs);
    const pair = createAuthority({ name: `holdfast ${name}`, validFrom, validUntil: until });
    writePair(into, name, pair);
    return pair;
  }

  function issue(by: CertificatePair, into: string, file: string, name: string, hosts: readonly string[]): void {
    writePair(into, file, issueCertificate(by, { name, hosts: [...new Set(hosts)], validFrom, validUntil }));
  }

  return {
    validUntil,
    isFirst: known.every((pair) => pair === undefined),
    members: Array.from(members, ([name, hosts]) => {
      const own = join(directory, name);
      makeDirectory(own);
      writeFileSync(join(own, "ca.crt"), ca.cert);
      writeFileSync(join(own, "peer-ca.crt"), peerCa.cert);
      issue(ca, own, "server", name, [...hosts, ...ownHosts]);
      issue(peerCa, own, "peer", name, hosts);
      return { name, directory: own };
    }),
    clients: clients.map((name) => {
      const own = join(directory, `client-${name}`);
      makeDirectory(own);
      writeFileSync(join(own, "ca.crt"), ca.cert);
      issue(ca, own, "client", name, [name]);
      return { name, directory: own };
    }),
  };
}

/** Undefined where there is none yet. */
function keptAuthority(directory: string, name: string, until: Date): CertificatePair | undefined {
  const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  const there = [cert, key].filter(existsSync);
  if (there.length === 0) return undefined;
  // To make another one would be to part with all who trust this one.
  if (there.length === 1) throw new Error(`there is ${there[0]}, and not ${there[0] === cert ? key : cert}`);
  const pair = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  let read: X509Certificate;
  try {
    read = new X509Certificate(pair.cert);
    if (!read.checkPrivateKey(createPrivateKey(pair.key))) throw new Error("they do not belong together");
  } catch (cause) {
    throw new Error(`${cert} and ${key} cannot be used: ${(cause as Error).message}`, { cause });
  }
  if (read.validToDate >= until) return pair;
  throw new Error(`${cert} is valid until ${read.validToDate.toISOString()}, which is sooner than what it would sign`);
}

function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

function writePair(directory: string, name: string, { cert, key }: CertificatePair): void {
  writeFileSync(join(directory, `${name}.key`), key, { mode: 0o600 });
  writeFileSync(join(directory, `${name}.crt`), cert);
}
