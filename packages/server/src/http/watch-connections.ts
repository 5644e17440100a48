import type { Server } from "node:http";

/**
 * Makes a server that is handed its connections keep its timeouts. Node looks for clients that never end their request, and
 * knows which connections are idle, only from the moment a server listens itself: this one never does.
 */
export function watchConnections(server: Server): Server {
  server.emit("listening");
  return server;
}
