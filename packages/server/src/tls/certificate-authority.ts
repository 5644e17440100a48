import { Buffer } from "node:buffer";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { isIP } from "node:net";
// Node's toLegacyObject would load one half of it first, and the process would have no createSecureContext ever after.
import "node:tls";
import { bits, integer, numbered, objectIdentifier, octets, sequence, set, time, utf8, yes } from "./der.ts";

/** A certificate and its key, as PEM text. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** The common name. */
  readonly name: string;
  /** DNS names and IP addresses that it is for. */
  readonly hosts: readonly string[];
  readonly validFrom: Date;
  readonly validUntil: Date;
}

const identifiers = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

const signatureAlgorithm = sequence(objectIdentifier(identifiers.ecdsaWithSha256));

/** An authority of its own making, which signs nothing but certificates that stand at the end of a chain. */
export function createAuthority(request: Omit<CertificateRequest, "hosts">): CertificatePair {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [
    extension(identifiers.basicConstraints, sequence(yes, integer(Buffer.alloc(1))), true),
    // Signs certificates and revocation lists.
    extension(identifiers.keyUsage, bits(Buffer.from([0b0000_0110]), 1), true),
    extension(identifiers.subjectKeyIdentifier, octets(keyIdentifier(privateKey))),
  ];
  return signed({ ...request, privateKey, issuer: nameOf(request.name), issuerKey: privateKey, extensions });
}

/** A certificate for both ends of TLS, signed by an authority. @throws Error of OpenSSL when that is none */
export function issueCertificate(authority: CertificatePair, request: CertificateRequest): CertificatePair {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuerKey = createPrivateKey(authority.key);
  const purposes = [identifiers.serverAuth, identifiers.clientAuth].map(objectIdentifier);
  const extensions = [
    extension(identifiers.basicConstraints, sequence(), true),
    // Signs what TLS asks it to.
    extension(identifiers.keyUsage, bits(Buffer.from([0b1000_0000]), 7), true),
    extension(identifiers.extendedKeyUsage, sequence(...purposes)),
    extension(identifiers.subjectAltName, sequence(...request.hosts.map(hostName))),
    extension(identifiers.subjectKeyIdentifier, octets(keyIdentifier(privateKey))),
    extension(identifiers.authorityKeyIdentifier, sequence(numbered(0, keyIdentifier(issuerKey), false))),
  ];
  return signed({ ...request, privateKey, issuer: nameOf(commonName(authority.cert)), issuerKey, extensions });
}

interface Unsigned extends Omit<CertificateRequest, "hosts"> {
  readonly privateKey: KeyObject;
  readonly issuer: Buffer;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** X.509, version 3 (RFC 5280, section 4.1). */
function signed({ name, validFrom, validUntil, privateKey, issuer, issuerKey, extensions }: Unsigned): CertificatePair {
  const body = sequence(
    numbered(0, integer(Buffer.from([2])), true),
    integer(serialNumber()),
    signatureAlgorithm,
    issuer,
    sequence(time(validFrom), time(validUntil)),
    nameOf(name),
    publicKeyOf(privateKey),
    numbered(3, sequence(...extensions), true),
  );
  const certificate = sequence(body, signatureAlgorithm, bits(sign("sha256", body, issuerKey)));
  return {
    cert: new X509Certificate(certificate).toString(),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function extension(identifier: string, value: Buffer, isCritical: boolean = false): Buffer {
  return sequence(objectIdentifier(identifier), ...(isCritical ? [yes] : []), octets(value));
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(objectIdentifier(identifiers.commonName), utf8(commonName))));
}

function commonName(cert: string): string {
  return new X509Certificate(cert).toLegacyObject().subject.CN as string;
}

/** A name of the DNS, or an address in its four or sixteen bytes. */
function hostName(host: string): Buffer {
  if (isIP(host) === 0) return numbered(2, Buffer.from(host, "latin1"), false);
  return numbered(7, isIP(host) === 4 ? Buffer.from(host.split(".").map(Number)) : addressBytes(host), false);
}

function addressBytes(host: string): Buffer {
  const [head = "", tail] = host.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const between = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const all = tail === undefined ? before : [...before, ...between, ...after];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

function publicKeyOf(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ type: "spki", format: "der" });
}

/** The public key's digest, cut to the usual length (RFC 7093, section 2). */
function keyIdentifier(privateKey: KeyObject): Buffer {
  return createHash("sha256").update(publicKeyOf(privateKey)).digest().subarray(0, 20);
}

/** Unforeseeable, positive, and of a fixed length: at most 20 bytes are allowed. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}
