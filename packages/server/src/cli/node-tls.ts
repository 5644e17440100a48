import type { TlsIdentity } from "holdfast/runtime";
import type { ServeTls } from "../port.ts";
import { checkPem, readPem } from "./client-options.ts";
import { usageError } from "./exit.ts";
import { flag, text, type Option } from "./option.ts";
import type { Terminal } from "./terminal.ts";

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
    help: "serve clients and people in TLS alone, with this certificate; read again on SIGHUP, with its key and CA",
  }),
  keyFile: text({ placeholder: "FILE", help: "the key of --cert-file" }),
  clientCertAuth: flag("serve only who shows a certificate of --trusted-ca-file"),
  trustedCaFile: text({ placeholder: "FILE", help: "who signs the clients' certificates" }),
  peerCertFile: text({ placeholder: "FILE", help: "speak with the other members in TLS alone, with this certificate" }),
  peerKeyFile: text({ placeholder: "FILE", help: "the key of --peer-cert-file" }),
  peerTrustedCaFile: text({ placeholder: "FILE", help: "who signs the members' certificates, which all must show" }),
};

type TlsValues = {
  readonly [K in keyof typeof tlsOptions]: (typeof tlsOptions)[K] extends Option<infer V> ? V : never;
};

/** How a node is secured. */
export interface NodeTls {
  readonly client: ServeTls | undefined;
  readonly peer: TlsIdentity | undefined;
  /** Reads the clients' side again, on each SIGHUP; what comes of it is said on stderr. */
  watch(take: (tls: ServeTls) => void, terminal: Pick<Terminal, "err">): void;
}

/** @throws ExitError for options that do not go together, and files that cannot be read or are none */
export function nodeTls(options: TlsValues): NodeTls {
  const client = readClientSide(options);
  const peer = readPeerSide(options);
  return {
    client,
    peer,
    watch(take, { err }) {
      if (client === undefined) return;
      process.on("SIGHUP", () => {
        try {
          take(readClientSide(options)!);
          err("clients are shown the certificate as it is now");
        } catch (error) {
          err(`the certificate stays as it is: ${(error as Error).message}`);
        }
      });
    },
  };
}

function readClientSide({ certFile, keyFile, clientCertAuth, trustedCaFile }: TlsValues): ServeTls | undefined {
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
  const own = { cert: readPem("--cert-file", certFile), key: readPem("--key-file", keyFile) };
  const tls = trustedCaFile === undefined ? own : { ...own, ca: readPem("--trusted-ca-file", trustedCaFile) };
  checkPem(tls, "--cert-file, --key-file and --trusted-ca-file");
  return tls;
}

function readPeerSide({ peerCertFile, peerKeyFile, peerTrustedCaFile }: TlsValues): TlsIdentity | undefined {
  if (peerCertFile === undefined && peerKeyFile === undefined && peerTrustedCaFile === undefined) return undefined;
  if (peerCertFile === undefined || peerKeyFile === undefined || peerTrustedCaFile === undefined) {
    throw usageError("--peer-cert-file, --peer-key-file and --peer-trusted-ca-file belong together");
  }
  const tls = {
    cert: readPem("--peer-cert-file", peerCertFile),
    key: readPem("--peer-key-file", peerKeyFile),
    ca: readPem("--peer-trusted-ca-file", peerTrustedCaFile),
  };
  checkPem(tls, "--peer-cert-file, --peer-key-file and --peer-trusted-ca-file");
  return tls;
}
