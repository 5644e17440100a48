import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createSecureContext, createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import type { Address } from "holdfast/runtime";

/** What a port is secured with, as PEM text. */
export interface ServeTls {
  readonly key: string;
  readonly cert: string;
  /** Who signs the clients' certificates: with it, a client must show one. */
  readonly ca?: string;
}

/** A port that is listened on. */
export interface Port {
  readonly address: Address;
  /** Takes another certificate for connections to come. No effect on a port without TLS. */
  setTls(tls: ServeTls): void;
  /** Stops listening; resolves when the last connection is gone. */
  close(): Promise<void>;
}

export interface PortOptions {
  readonly address: Address;
  readonly tls: ServeTls | undefined;
  /** What clients may choose in TLS's handshake. Default: both, for a port that tells them apart. */
  readonly protocols?: readonly ("h2" | "http/1.1")[];
  /** A connection, its handshake done. */
  readonly onSocket: (socket: Socket) => void;
  readonly onError: (error: Error) => void;
  /** A client did not speak TLS, or its certificate was not accepted. */
  readonly onHandshakeError: (error: Error) => void;
}

/** A client that has not shown its certificate after this time is given up. */
const handshakeTimeoutMs = 10_000;
/** @throws Error with Node's `code` (`EADDRINUSE`, …) naming the address; OpenSSL's when the certificate cannot be read */
export async function openPort(options: PortOptions): Promise<Port> {
  const { tls, onSocket, onError } = options;
  const server =
    tls === undefined ? createServer({ allowHalfOpen: true, noDelay: true }, onSocket) : secureServer(tls, options);
  const address = await listen(server, options.address);
  server.on("error", onError);
  return {
    address,
    setTls(next) {
      if (tls !== undefined) (server as TlsServer).setSecureContext(contextOf(next));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function secureServer(tls: ServeTls, options: PortOptions): TlsServer {
  const { onSocket, onHandshakeError, protocols = ["h2", "http/1.1"] } = options;
  const requestCert = tls.ca !== undefined;
  const server = createTlsServer({
    // Not half open: where TLS ends on one side only, Node never lets go of the connection below.
    noDelay: true,
    ...contextOf(tls),
    requestCert,
    rejectUnauthorized: requestCert,
    handshakeTimeout: handshakeTimeoutMs,
    ALPNProtocols: [...protocols],
  });
  server.on("secureConnection", onSocket);
  server.on("tlsClientError", onHandshakeError);
  return server;
}

function contextOf({ key, cert, ca }: ServeTls): Pick<ServeTls, "key" | "cert" | "ca"> {
  const context = ca === undefined ? { key, cert } : { key, cert, ca };
  // Says now what is wrong with it, rather than at the first handshake.
  createSecureContext(context);
  return context;
}

function listen(server: Server, { host, port }: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      const code = (cause as { readonly code?: string }).code ?? "UNKNOWN";
      reject(Object.assign(new Error(`cannot listen on ${host}:${port} (${code})`, { cause }), { code }));
    };
    server.once("error", fail);
    server.listen({ host, port }, () => {
      server.off("error", fail);
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}
