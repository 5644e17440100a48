import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { ClientTls } from "../client/connections.ts";
import { environmentError } from "./exit.ts";

/** A file, and the option that names it. */
export interface NamedFile {
  readonly option: string;
  readonly file: string;
}

/** Where what one end of TLS goes by is kept. */
export type FilesOf<Tls extends ClientTls> = { readonly [K in keyof Tls]: NamedFile };

/**
 * Reads certificates and says now what is wrong with one, rather than with every connection.
 *
 * @throws ExitError (environment) naming the option and the file
 */
export function readCertificates<Tls extends ClientTls>(files: FilesOf<Tls>): Tls {
  const { cert, key, ca }: FilesOf<ClientTls> = files;
  const entries = Object.entries<NamedFile>(files);
  const texts = Object.fromEntries(entries.map(([name, from]) => [name, readText(from)]));
  const chain = cert && readChain(cert, texts["cert"]!);
  // OpenSSL takes an authority's file without a certificate for one that trusts nobody.
  if (ca !== undefined) readChain(ca, texts["ca"]!);
  if (key !== undefined) {
    const own = meaning(key, "private key", () => createPrivateKey(texts["key"]!));
    if (cert !== undefined && chain?.[0]?.checkPrivateKey(own) === false) {
      throw environmentError(`${key.option}: ${key.file} is not the key of the certificate in ${cert.file}`);
    }
  }
  const last = cert ?? ca;
  if (last !== undefined) meaning(last, "certificate that can be used", () => createSecureContext(texts));
  return texts as unknown as Tls;
}

/** When the first certificate of a PEM text ends to be valid. */
export function validUntil(pem: string): Date {
  return new X509Certificate(pem).validToDate;
}

/** When the certificates of a PEM text are no longer all valid, in milliseconds since 1970. */
export function allValidUntil(pem: string): number {
  return Math.min(...blocksOf(pem).map((block) => validUntil(block).getTime()));
}

function readText({ option, file }: NamedFile): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw environmentError(`${option}: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

function readChain(from: NamedFile, pem: string): readonly X509Certificate[] {
  const blocks = blocksOf(pem);
  if (blocks.length === 0) throw environmentError(`${from.option}: ${from.file} holds no certificate`);
  return blocks.map((block) => meaning(from, "certificate", () => new X509Certificate(block)));
}

function blocksOf(pem: string): readonly string[] {
  return pem.match(/-----BEGIN [^-]*CERTIFICATE-----.*?-----END [^-]*CERTIFICATE-----/gs) ?? [];
}

function meaning<T>({ option, file }: NamedFile, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw environmentError(`${option}: ${file} holds no ${what} (${(error as Error).message})`, error);
  }
}
