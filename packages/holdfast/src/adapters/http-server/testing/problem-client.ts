import { Agent, request } from "node:http";
import { connect } from "node:net";
import type { Reply } from "./plain-client.ts";

/** Every byte that a server sends in answer to one request, on a connection of its own. */
export function rawAnswer(url: string, method = "GET"): Promise<string> {
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    let bytes = "";
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${method} ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
    });
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => (bytes += part));
    socket.on("error", reject);
    socket.on("close", () => resolve(bytes));
  });
}

/** Requests of all these paths, so many at a time; answers in their order. */
export async function load(url: string, paths: readonly string[], concurrent: number): Promise<Reply[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrent });
  const replies: Reply[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < paths.length; at = next++) replies[at] = await ask(`${url}${paths[at]}`, agent);
  };
  try {
    await Promise.all(Array.from({ length: concurrent }, worker));
  } finally {
    agent.destroy();
  }
  return replies;
}

function ask(url: string, agent: Agent): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (body += part));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
