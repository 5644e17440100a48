import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority, issueCertificate, type CertificatePair } from "./certificate-authority.ts";

/** Files of a cluster on this machine. */
export interface AutoCertificates {
  /** Who signs what members show to clients, and what clients show to members. */
  readonly ca: string;
  readonly server: PairFiles;
  readonly client: PairFiles;
  /** Members trust another authority among themselves: no client's certificate makes one a member. */
  readonly peerCa: string;
  readonly peer: PairFiles;
}

export interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

const dayMs = 86_400_000;
const hosts = ["localhost", "127.0.0.1", "::1"] as const;
/** Clocks differ; certificates of this moment would be refused by those that are behind. */
const leewayMs = 3_600_000;
const authorityDays = 3650;
const certificateDays = 365;

/**
 * Makes certificates in a directory: authorities once, so that clients can go on trusting them, and what they sign anew
 * with every call, valid for a year.
 *
 * @throws the platform's error when the directory cannot be written
 */
export function makeCertificates(directory: string, now: Date = new Date()): AutoCertificates {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files = (name: string): PairFiles => ({
    cert: join(directory, `${name}.crt`),
    key: join(directory, `${name}.key`),
  });
  const validFrom = new Date(now.getTime() - leewayMs);
  const after = (days: number): Date => new Date(now.getTime() + days * dayMs);

  function authority(name: string): { readonly pair: CertificatePair; readonly file: string } {
    const at = files(name);
    const kept = readPair(at);
    const isKept = kept !== undefined && isUsable(kept, after(certificateDays));
    const pair = isKept
      ? kept
      : createAuthority({ name: `holdfast ${name}`, validFrom, validUntil: after(authorityDays) });
    if (!isKept) writePair(at, pair);
    return { pair, file: at.cert };
  }

  function issue({ pair }: { readonly pair: CertificatePair }, name: string): PairFiles {
    const at = files(name);
    writePair(at, issueCertificate(pair, { name, hosts, validFrom, validUntil: after(certificateDays) }));
    return at;
  }

  const [ca, peerCa] = [authority("ca"), authority("peer-ca")];
  return {
    ca: ca.file,
    server: issue(ca, "server"),
    client: issue(ca, "client"),
    peerCa: peerCa.file,
    peer: issue(peerCa, "peer"),
  };
}

function readPair({ cert, key }: PairFiles): CertificatePair | undefined {
  try {
    return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** One of which only a part was written is made anew. */
function isUsable({ cert, key }: CertificatePair, until: Date): boolean {
  try {
    const read = new X509Certificate(cert);
    return read.validToDate >= until && read.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function writePair({ cert, key }: PairFiles, pair: CertificatePair): void {
  writeFileSync(key, pair.key, { mode: 0o600 });
  writeFileSync(cert, pair.cert);
}
