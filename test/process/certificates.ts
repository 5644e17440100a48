import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsIdentity } from "holdfast/runtime";

/** Files of one certificate and what signed it. */
export interface CertificateFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** Signs certificates for a day, with the `openssl` command. */
export interface CertificateAuthority {
  /** A certificate for 127.0.0.1 and localhost, whose common name is `name`. */
  issue(name: string): CertificateFiles;
  remove(): void;
}

export function certificateAuthority(): CertificateAuthority {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-ca-"));
  const at = (file: string): string => join(directory, file);
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "pipe" });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...curve,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.crt"),
    "-subj",
    "/CN=authority",
    "-days",
    "1",
  );
  return {
    issue(name) {
      const [key, request, cert] = [at(`${name}.key`), at(`${name}.csr`), at(`${name}.crt`)];
      writeFileSync(at("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost");
      openssl("req", ...curve, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
      const by = [
        "-CA",
        at("ca.crt"),
        "-CAkey",
        at("ca.key"),
        "-CAcreateserial",
        "-days",
        "1",
        "-extfile",
        at("names"),
      ];
      openssl("x509", "-req", "-in", request, "-out", cert, ...by);
      return { key, cert, ca: at("ca.crt") };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export function readIdentity({ key, cert, ca }: CertificateFiles): TlsIdentity {
  const text = (file: string): string => readFileSync(file, "utf8");
  return { key: text(key), cert: text(cert), ca: text(ca) };
}
