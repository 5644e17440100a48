import { request, type ClientRequest, type IncomingHttpHeaders } from "node:http";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Sent {
  readonly reply: Promise<Reply>;
  /** The first part of the body. */
  readonly first: Promise<string>;
  /** The client goes: its connection is gone. */
  hangUp(): void;
}

/** One request on a connection of its own. */
export function send(url: string, headers: Readonly<Record<string, string>> = {}, body?: string): Sent {
  const reply = Promise.withResolvers<Reply>();
  const first = Promise.withResolvers<string>();
  const method = body === undefined ? "GET" : "POST";
  const sent: ClientRequest = request(url, { method, agent: false, headers: { ...headers, connection: "close" } });
  const fail = (error: Error): void => {
    reply.reject(error);
    first.reject(error);
  };
  sent.on("error", fail);
  sent.on("response", (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      first.resolve(part);
      text += part;
    });
    response.on("error", fail);
    response.on("end", () =>
      reply.resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
    );
  });
  sent.end(body);
  for (const promise of [reply.promise, first.promise]) promise.catch(() => {});
  return { reply: reply.promise, first: first.promise, hangUp: () => sent.destroy() };
}

export function get(url: string, headers?: Readonly<Record<string, string>>): Promise<Reply> {
  return send(url, headers).reply;
}
