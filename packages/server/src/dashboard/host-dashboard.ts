import { createServer } from "node:http";
import type { Socket } from "node:net";
import type { Address } from "holdfast/runtime";
import { watchConnections } from "../http/watch-connections.ts";
import { openPort, type ServeTls } from "../port.ts";
import type { Dashboard } from "./dashboard.ts";

/** A dashboard on a port of its own. */
export interface HostedDashboard {
  readonly url: string;
  readonly address: Address;
  /** Closes the dashboard too; streams have half a second to end. */
  close(): Promise<void>;
}

/** Within these times a request's head, and all of it, must have arrived. */
const headersTimeout = 10_000;
const requestTimeout = 30_000;

/** Serves a dashboard where nothing else is served. @throws Error with Node's `code` (`EADDRINUSE`, …), the dashboard closed */
export async function hostDashboard(
  dashboard: Dashboard,
  { listen, serveTls }: { readonly listen: Address; readonly serveTls?: ServeTls | undefined },
): Promise<HostedDashboard> {
  const http = watchConnections(
    createServer({ noDelay: true, headersTimeout, requestTimeout }, (request, response) => {
      if (dashboard.handle(request, response)) return;
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("The dashboard is at /dashboard/\n");
    }),
  );
  const sockets = new Set<Socket>();
  const port = await openPort({
    address: listen,
    tls: serveTls,
    protocols: ["http/1.1"],
    onSocket(socket) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      http.emit("connection", socket);
    },
    onError: () => undefined,
    onHandshakeError: () => undefined,
  }).catch((error: unknown) => {
    dashboard.close();
    throw error;
  });
  dashboard.setListening([port.address]);
  const scheme = serveTls === undefined ? "http" : "https";
  return {
    url: `${scheme}://127.0.0.1:${port.address.port}/dashboard/`,
    address: port.address,
    async close() {
      dashboard.close();
      // It listens nowhere itself.
      http.close();
      const closed = port.close();
      for (const socket of sockets) socket.destroySoon();
      const stuck = setTimeout(() => sockets.forEach((socket) => socket.destroy()), 500);
      await closed;
      clearTimeout(stuck);
    },
  };
}
