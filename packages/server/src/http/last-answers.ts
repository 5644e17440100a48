import type { Server, ServerResponse } from "node:http";

/**
 * Follows a server's answers. From the call on, each one says that it is its connection's last, those under way included
 * (RFC 9112, section 9.6): a client that is asking all the time thus moves to another server without a request lost.
 */
export function lastAnswers(server: Server): () => void {
  const underWay = new Set<ServerResponse>();
  let isLast = false;
  const mark = (response: ServerResponse): void => {
    if (!response.headersSent) response.setHeader("connection", "close");
  };
  server.prependListener("request", (_request, response) => {
    if (isLast) return mark(response);
    underWay.add(response);
    response.once("close", () => underWay.delete(response));
  });
  return () => {
    isLast = true;
    for (const response of underWay) mark(response);
    underWay.clear();
  };
}
