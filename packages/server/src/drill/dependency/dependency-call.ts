import { connect } from "node:net";
import type { Address } from "holdfast/runtime";

/** How to ask a dependency whether it serves, by the scheme of its URL. */
export interface DependencyProtocol {
  readonly defaultPort: number;
  /** What is sent on a new connection. */
  readonly question: Uint8Array;
  /** What the first answer must begin with. */
  readonly answer: RegExp;
}

/** PostgreSQL's request for TLS: eight bytes, answered by one, before anybody logs in. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

export const dependencyProtocols: Readonly<Record<string, DependencyProtocol>> = {
  http: {
    defaultPort: 80,
    question: Buffer.from("GET / HTTP/1.1\r\nhost: dependency\r\nconnection: close\r\n\r\n"),
    answer: /^HTTP\/1\.1 [234]/,
  },
  redis: { defaultPort: 6379, question: Buffer.from("PING\r\n"), answer: /^(?:\+PONG|-NOAUTH)/ },
  postgresql: { defaultPort: 5432, question: sslRequest, answer: /^[SN]/ },
};

export interface Dependency {
  readonly address: Address;
  readonly protocol: DependencyProtocol;
}

/** One that may speak a protocol that nobody here knows. */
export interface NamedDependency {
  readonly name: string;
  readonly address: Address;
  readonly protocol: DependencyProtocol | undefined;
}

/** Reads `redis://127.0.0.1:6379`, or `NAME=127.0.0.1:6379` for any; undefined when it is neither. */
export function readDependency(text: string): NamedDependency | undefined {
  const [, own, bracketed, plain, ownPort] = /^([\w.-]{1,64})=(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  if (own !== undefined) {
    const port = Number(ownPort);
    if (port < 1 || port > 65_535) return undefined;
    const protocol = Object.hasOwn(dependencyProtocols, own) ? dependencyProtocols[own] : undefined;
    return { name: own, address: { host: bracketed ?? plain ?? "", port }, protocol };
  }
  if (!URL.canParse(text)) return undefined;
  const { protocol: scheme, hostname, port } = new URL(text);
  const name = scheme.slice(0, -1);
  const protocol = Object.hasOwn(dependencyProtocols, name) ? dependencyProtocols[name] : undefined;
  if (protocol === undefined || hostname === "") return undefined;
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return { name, address: { host, port: port === "" ? protocol.defaultPort : Number(port) }, protocol };
}

/** Connects, asks, and hangs up. Rejects when it does not answer as it should, or with the signal's reason. */
export function callDependency({ address, protocol }: Dependency, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.host, port: address.port });
    let text = "";
    const end = (error?: Error): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = (): void => end(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    socket.once("connect", () => socket.write(protocol.question));
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text = (text + chunk).slice(0, 256);
      if (protocol.answer.test(text)) end();
      else if (text.length > 16) end(new Error(`the dependency answered ${JSON.stringify(text.slice(0, 40))}`));
    });
    socket.once("error", end);
    socket.once("close", () => end(new Error("the dependency hung up")));
  });
}
