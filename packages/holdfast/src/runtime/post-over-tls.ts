import { request, type RequestOptions } from "node:https";

/** Who is trusted, and who one is: PEM, all optional. */
export interface PostTls {
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
}

export interface PostedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

const maxAnswer = 64 * 1024;

/** As much of `fetch` as small requests need, with certificates of one's own. Redirections are not followed. */
export function fetchOverTls(tls: PostTls): (
  url: string,
  options: PostedRequest,
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}> {
  return (url, { method, headers, body = "", signal }) =>
    new Promise((resolve, reject) => {
      const length = String(Buffer.byteLength(body));
      const options = { ...tls, method, headers: { ...headers, "content-length": length }, signal } as RequestOptions;
      const asked = request(url, options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text = (text + part).slice(0, maxAnswer)));
        response.on("error", reject);
        response.on("end", () => {
          const get = (name: string): string | null => {
            const value = response.headers[name.toLowerCase()];
            return typeof value === "string" ? value : null;
          };
          resolve({ status: response.statusCode ?? 0, headers: { get }, text: async () => text });
        });
      });
      asked.on("error", reject);
      asked.end(body);
    });
}
