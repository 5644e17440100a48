import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createSecureContext } from "node:tls";

/** What a client goes by where members are served in TLS, as PEM text. */
export interface ClientTls {
  /** Who signs the members' certificates. Default: whom Node trusts. */
  readonly ca?: string;
  /** Shown to members that demand a certificate, with its key. */
  readonly cert?: string;
  readonly key?: string;
}

/** Connections to members, kept open between requests. */
export interface Connections {
  request(url: string, options: RequestOptions): ClientRequest;
  close(): void;
}

/** @throws Error of OpenSSL when a certificate or key cannot be read */
export function openConnections({ maxSockets = Infinity, tls = {} }: ConnectionsOptions = {}): Connections {
  // Says now what is wrong with it, rather than with every request.
  if (Object.keys(tls).length > 0) createSecureContext({ ...tls });
  const plain = new HttpAgent({ keepAlive: true, maxSockets });
  let secure: HttpsAgent | undefined;
  return {
    request(url, options) {
      if (!url.startsWith("https:")) return httpRequest(url, { ...options, agent: plain });
      secure ??= new HttpsAgent({ keepAlive: true, maxSockets, ...tls });
      return httpsRequest(url, { ...options, agent: secure });
    },
    close() {
      plain.destroy();
      secure?.destroy();
    },
  };
}

export interface ConnectionsOptions {
  /** To one member at once. Default: no bound. */
  readonly maxSockets?: number;
  readonly tls?: ClientTls | undefined;
}
