import type { TlsIdentity } from "holdfast/runtime";
import type { ClientTls } from "../client/connections.ts";
import type { ServeTls } from "../port.ts";
import type { CertificateLife } from "../tls/certificate-expiry.ts";
import { allValidUntil, readCertificates, validUntil, type FilesOf, type NamedFile } from "./certificate-files.ts";
import { usageError } from "./exit.ts";
import { flag, text, type Option } from "./option.ts";
import type { Terminal } from "./terminal.ts";
import { watchFiles } from "./watch-files.ts";

/** A node's certificates; the options are called as etcd calls them. */
export const tlsOptions: {
  readonly certFile: Option<string | undefined>;
  readonly keyFile: Option<string | undefined>;
  readonly clientCertAuth: Option<boolean>;
  readonly trustedCaFile: Option<string | undefined>;
  readonly peerCertFile: Option<string | undefined>;
  readonly peerKeyFile: Option<string | undefined>;
  readonly peerTrustedCaFile: Option<string | undefined>;
} = {
  certFile: text({
    placeholder: "FILE",
    help: "serve clients and people in TLS alone, with this certificate; read again when a file of TLS changes, and on SIGHUP",
  }),
  keyFile: text({ placeholder: "FILE", help: "the key of --cert-file" }),
  clientCertAuth: flag("serve only who shows a certificate of --trusted-ca-file"),
  trustedCaFile: text({ placeholder: "FILE", help: "who signs the clients' certificates" }),
  peerCertFile: text({ placeholder: "FILE", help: "speak with the other members in TLS alone, with this certificate" }),
  peerKeyFile: text({ placeholder: "FILE", help: "the key of --peer-cert-file" }),
  peerTrustedCaFile: text({ placeholder: "FILE", help: "who signs the members' certificates, which all must show" }),
};

export type TlsValues = {
  readonly [K in keyof typeof tlsOptions]: (typeof tlsOptions)[K] extends Option<infer V> ? V : never;
};

/** The options as they are given to a node. */
export function tlsLine(options: TlsValues): readonly string[] {
  return Object.keys(tlsOptions).flatMap((name) => {
    const value = options[name as keyof TlsValues];
    const option = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === undefined || value === false ? [] : [value === true ? option : `${option}=${value}`];
  });
}

/** Who takes certificates that were renewed. */
export interface TlsTakers {
  clients(tls: ServeTls): void;
  peers(tls: TlsIdentity): void;
}

/** How a node is secured. */
export interface NodeTls {
  readonly client: ServeTls | undefined;
  readonly peer: TlsIdentity | undefined;
  /** What the node itself goes by when it asks another member, as a client. */
  readonly own: ClientTls;
  /** Until when the certificates are valid that the node goes by now. */
  readonly lives: () => readonly CertificateLife[];
  /**
   * Reads the files again when they have changed and, unless that comes from a supervisor's closing terminal, on SIGHUP;
   * what comes of it is said on stderr.
   */
  watch(takers: TlsTakers, isSupervised: boolean, terminal: Pick<Terminal, "err">): void;
}

/** @throws ExitError for options that do not go together, and files that cannot be read or are none */
export function nodeTls(options: TlsValues): NodeTls {
  const clientFiles = clientSide(options);
  const peerFiles = peerSide(options);
  const client = clientFiles && readCertificates<ServeTls>(clientFiles);
  const peer = peerFiles && readCertificates<TlsIdentity>(peerFiles);
  let [clientNow, peerNow] = [client, peer];
  return {
    client,
    peer,
    own: ownIdentity(client, peer),
    lives: () => [...livesOf("client", clientFiles, clientNow), ...livesOf("peer", peerFiles, peerNow)],
    watch(takers, isSupervised, { err }) {
      const sides = [
        clientFiles && new Side("clients", clientFiles, client!, (tls) => takers.clients((clientNow = tls))),
        peerFiles && new Side("members", peerFiles, peer!, (tls) => takers.peers((peerNow = tls))),
      ].filter((side) => side !== undefined);
      for (const side of sides) {
        watchFiles(side.paths, () => side.read(err, false));
        // What has changed since the files were read, while the node started.
        side.read(err, false);
      }
      if (isSupervised || sides.length === 0) return;
      process.on("SIGHUP", () => {
        for (const side of sides) side.read(err, true);
      });
    },
  };
}

function livesOf(
  side: "client" | "peer",
  files: FilesOf<ServeTls> | FilesOf<TlsIdentity> | undefined,
  tls: ServeTls | undefined,
): readonly CertificateLife[] {
  if (files === undefined || tls === undefined) return [];
  const own = { certificate: side, source: files.cert, validUntil: allValidUntil(tls.cert) } as const;
  if (files.ca === undefined || tls.ca === undefined) return [own];
  return [own, { certificate: `${side}_ca`, source: files.ca, validUntil: allValidUntil(tls.ca) }];
}

/** Members' certificates are signed by those whom the other members trust, or clients do. */
function ownIdentity(client: ServeTls | undefined, peer: TlsIdentity | undefined): ClientTls {
  const shown = client ?? peer;
  const ca = [client?.ca, peer?.ca].filter((text) => text !== undefined).join("\n");
  return { ...(shown && { cert: shown.cert, key: shown.key }), ...(ca === "" ? {} : { ca }) };
}

/** The certificates that are shown to one kind of other ends. */
class Side<Tls extends ServeTls> {
  readonly paths: readonly string[];
  readonly #whom: string;
  readonly #files: FilesOf<Tls>;
  readonly #take: (tls: Tls) => void;
  #taken: Tls;

  constructor(whom: string, files: FilesOf<Tls>, taken: Tls, take: (tls: Tls) => void) {
    this.paths = Object.values<NamedFile>(files).map(({ file }) => file);
    this.#whom = whom;
    this.#files = files;
    this.#taken = taken;
    this.#take = take;
  }

  /** Those that cannot be used change nothing. Of those that are as they were, it speaks only when asked. */
  read(say: (line: string) => void, isAsked: boolean): void {
    try {
      const tls = readCertificates<Tls>(this.#files);
      const { cert, key, ca } = this.#taken;
      if (tls.cert !== cert || tls.key !== key || tls.ca !== ca) this.#take(tls);
      else if (!isAsked) return;
      this.#taken = tls;
      const until = validUntil(tls.cert).toISOString();
      say(`${this.#whom} are shown the certificate as it is now: ${this.paths[0]}, valid until ${until}`);
    } catch (error) {
      say(`the certificate for ${this.#whom} stays as it is: ${(error as Error).message}`);
    }
  }
}

function clientSide({ certFile, keyFile, clientCertAuth, trustedCaFile }: TlsValues): FilesOf<ServeTls> | undefined {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw usageError("--cert-file and --key-file belong together");
  }
  if (clientCertAuth !== (trustedCaFile !== undefined)) {
    throw usageError("--client-cert-auth and --trusted-ca-file belong together");
  }
  if (certFile === undefined || keyFile === undefined) {
    if (clientCertAuth) throw usageError("--client-cert-auth needs --cert-file and --key-file");
    return undefined;
  }
  const own = { cert: { option: "--cert-file", file: certFile }, key: { option: "--key-file", file: keyFile } };
  return trustedCaFile === undefined ? own : { ...own, ca: { option: "--trusted-ca-file", file: trustedCaFile } };
}

function peerSide({ peerCertFile, peerKeyFile, peerTrustedCaFile }: TlsValues): FilesOf<TlsIdentity> | undefined {
  if (peerCertFile === undefined && peerKeyFile === undefined && peerTrustedCaFile === undefined) return undefined;
  if (peerCertFile === undefined || peerKeyFile === undefined || peerTrustedCaFile === undefined) {
    throw usageError("--peer-cert-file, --peer-key-file and --peer-trusted-ca-file belong together");
  }
  return {
    cert: { option: "--peer-cert-file", file: peerCertFile },
    key: { option: "--peer-key-file", file: peerKeyFile },
    ca: { option: "--peer-trusted-ca-file", file: peerTrustedCaFile },
  };
}
