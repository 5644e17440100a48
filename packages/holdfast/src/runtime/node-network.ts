import { createSocket, type Socket as UdpSocket, type SocketOptions } from "node:dgram";
import { lookup as resolveName } from "node:dns";
import {
  createServer,
  connect as openSocket,
  isIP,
  isIPv6,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { connect as openTls, createServer as createTlsServer } from "node:tls";
import { NodeConnection } from "./node-stream.ts";
import { platformError } from "./platform-error.ts";
import type { Address, Connection, DatagramSocket, Listener, Network } from "./runtime.ts";
import { renewableTls, type RenewableTls, type TlsIdentity } from "./tls-identity.ts";

/** An end that has not shown its certificate after this time is given up. */
const handshakeTimeoutMs = 10_000;

/**
 * Node's network: TCP without Nagle's delay, in TLS 1.2 or later where an identity is given, and UDP, which is as it is.
 *
 * @throws Error of OpenSSL when the key or a certificate cannot be read, or they do not belong together
 */
export function nodeNetwork(given?: TlsIdentity | RenewableTls): Network {
  const tls = given === undefined || "renew" in given ? given : renewableTls(given);
  return {
    listen: (address, onConnection) => listen(tls, address, onConnection),
    connect: (address, options) => connect(tls, address, options),
    openDatagram,
  };
}

function listen(
  tls: RenewableTls | undefined,
  address: Address,
  onConnection: (connection: Connection) => void,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const accept = (socket: Socket): void => onConnection(new NodeConnection(socket));
    // What a stranger's failed handshake reports is its own affair: its socket is closed already.
    const server = tls === undefined ? createServer({ noDelay: true }, accept) : secureServer(tls, accept);
    server.once("error", reject);
    server.listen({ host: address.host, port: address.port }, () => {
      server.off("error", reject);
      resolve(nodeListener(server));
    });
  });
}

function secureServer(tls: RenewableTls, accept: (socket: Socket) => void): Server {
  const server = createTlsServer(
    {
      ...tls.identity,
      noDelay: true,
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: handshakeTimeoutMs,
    },
    accept,
  );
  const forget = tls.onRenewal(() => server.setSecureContext({ ...tls.identity }));
  server.once("close", forget);
  return server;
}

function nodeListener(server: Server): Listener {
  const bound = server.address() as AddressInfo;
  return {
    address: { host: bound.address, port: bound.port },
    close() {
      // Its callback would wait for the connections, which live on; the port is free when close returns.
      server.close();
      return Promise.resolve();
    },
  };
}

function connect(
  tls: RenewableTls | undefined,
  address: Address,
  options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const signal = options?.signal;
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const { host, port } = address;
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket =
      tls === undefined
        ? openSocket({ host, port, noDelay: true })
        : openTls({ ...tls.identity, ...name, host, port }).setNoDelay(true);
    const connected = tls === undefined ? "connect" : "secureConnect";
    const timeoutMs = options?.timeoutMs;
    const timeout =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            fail(
              platformError("ETIMEDOUT", "connect", `${address.host}:${address.port}`, `no answer in ${timeoutMs} ms`),
            );
          }, timeoutMs);
    const onAbort = (): void => fail(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });

    function settle(): void {
      clearTimeout(timeout);
      signal?.removeEventListener("abort", onAbort);
      socket.off(connected, onConnect);
      socket.off("error", fail);
    }
    function fail(reason: unknown): void {
      settle();
      // What a socket given up still reports has nobody to hear it.
      socket.on("error", () => undefined);
      socket.destroy();
      reject(reason);
    }
    function onConnect(): void {
      settle();
      resolve(new NodeConnection(socket));
    }
    socket.once(connected, onConnect);
    socket.once("error", fail);
  });
}

function openDatagram(
  address: Address,
  onMessage: (bytes: Uint8Array, from: Address) => void,
): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: isIPv6(address.host) ? "udp6" : "udp4", lookup: lookupNames });
    socket.once("error", reject);
    socket.on("message", (message, from) => {
      onMessage(new Uint8Array(message.buffer, message.byteOffset, message.byteLength), {
        host: from.address,
        port: from.port,
      });
    });
    socket.bind({ address: address.host, port: address.port }, () => {
      socket.off("error", reject);
      // Failures to send are silent, as loss is.
      socket.on("error", () => undefined);
      resolve(nodeDatagram(socket));
    });
  });
}

function nodeDatagram(socket: UdpSocket): DatagramSocket {
  const bound = socket.address();
  let closed = false;
  return {
    address: { host: bound.address, port: bound.port },
    send(bytes, to) {
      if (!closed) socket.send(bytes, to.port, to.host, () => undefined);
    },
    close() {
      if (closed) return Promise.resolve();
      closed = true;
      return new Promise((resolve) => {
        socket.close(resolve);
      });
    },
  };
}

/** Names go to the resolver; addresses are answered at once, so that a datagram leaves in the turn it is sent. */
const lookupNames: NonNullable<SocketOptions["lookup"]> = (host, options, callback) => {
  const family = isIP(host);
  if (family !== 0) callback(null, host, family);
  else resolveName(host, options, callback);
};
