import { join } from "node:path";
import type { ClusterTls } from "../supervisor/cluster-plan.ts";
import { identityOptions, clientIdentity } from "./client-options.ts";
import type { ServeTls } from "../port.ts";
import { readCertificates, type NamedFile } from "./certificate-files.ts";
import { environmentError, usageError } from "./exit.ts";
import { nodeTls, tlsLine, tlsOptions, type TlsValues } from "./node-tls.ts";
import { choice, type Option } from "./option.ts";

const modes = ["off", "auto", "mutual"] as const;

const { cacert, cert, key } = identityOptions;

/** How a cluster on this machine is secured: by certificates of its own making, or by given ones. */
export const clusterTlsOptions: {
  readonly tls: Option<(typeof modes)[number]>;
  readonly cacert: Option<string | undefined>;
  readonly cert: Option<string | undefined>;
  readonly key: Option<string | undefined>;
} & typeof tlsOptions = {
  tls: choice({
    placeholder: "MODE",
    choices: modes,
    default: "off",
    help: "auto: everything in TLS, with certificates made in the data directory; mutual: clients must show one, too",
  }),
  ...tlsOptions,
  cacert,
  cert,
  key,
};

export type ClusterTlsValues = TlsValues & {
  readonly tls: (typeof modes)[number];
  readonly cacert: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
};

/** Where certificates of our own making are, below the data directory. */
export const certificatesName = "tls";

/** The certificates of a cluster, made if that is asked for; undefined without TLS. @throws ExitError */
export async function clusterTls(options: ClusterTlsValues, directory: string): Promise<ClusterTls | undefined> {
  const { client, peer } = nodeTls(options);
  if (options.tls === "off") {
    if (client === undefined && peer === undefined) return undefined;
    const { cacert, cert, key } = options;
    const files = { ...(cacert && { cacert }), ...(cert && { cert }), ...(key && { key }) };
    const own = clientIdentity(files).tls ?? {};
    return { nodeLine: tlsLine(options), isClientSecure: client !== undefined, own, clientFiles: files };
  }
  if (client !== undefined || peer !== undefined) {
    throw usageError(`--tls ${options.tls} makes certificates: leave --cert-file and --peer-cert-file out, or --tls`);
  }
  return await madeTls(options.tls, join(directory, certificatesName));
}

async function madeTls(mode: "auto" | "mutual", directory: string): Promise<ClusterTls> {
  const { makeCertificates } = await import("../tls/auto-certificates.ts");
  const isMutual = mode === "mutual";
  try {
    const { ca, server, client, peerCa, peer } = makeCertificates(directory);
    const clientFiles = { cacert: ca, ...(isMutual ? client : {}) };
    return {
      nodeLine: tlsLine({
        certFile: server.cert,
        keyFile: server.key,
        clientCertAuth: isMutual,
        trustedCaFile: isMutual ? ca : undefined,
        peerCertFile: peer.cert,
        peerKeyFile: peer.key,
        peerTrustedCaFile: peerCa,
      }),
      isClientSecure: true,
      own: clientIdentity(clientFiles).tls!,
      clientFiles,
    };
  } catch (error) {
    throw environmentError(`the certificates in ${directory} cannot be made: ${(error as Error).message}`, error);
  }
}

/** What to give `up` or `drill` to have the same again. */
export function tlsAgain(options: ClusterTlsValues): string {
  if (options.tls !== "off") return ` --tls ${options.tls}`;
  const { cacert, cert, key } = options;
  const own = Object.entries({ cacert, cert, key }).flatMap(([name, file]) => (file ? [`--${name}=${file}`] : []));
  const line = tlsLine(options);
  return line.length === 0 ? "" : ` ${[...line, ...own].join(" ")}`;
}

/** What members of a plan show to clients, for whatever else is served beside them. */
export function servedTls({ nodeLine }: ClusterTls): ServeTls {
  const given = (name: string): NamedFile | undefined => {
    const prefix = `--${name}=`;
    const file = nodeLine.find((part) => part.startsWith(prefix))?.slice(prefix.length);
    return file === undefined ? undefined : { option: `--${name}`, file };
  };
  const [cert, key, ca] = [given("cert-file"), given("key-file"), given("trusted-ca-file")];
  if (cert === undefined || key === undefined) throw environmentError("the members show no certificate");
  return readCertificates<ServeTls>(ca === undefined ? { cert, key } : { cert, key, ca });
}
