import { request } from "node:http";
import { createMemoryMember } from "holdfast/coordination";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveMember, type Served } from "../serve.ts";

const any = { host: "127.0.0.1", port: 0 };
let served: Served;

beforeAll(async () => {
  const dashboard = { token: "a-token-of-some-length", hosts: ["cluster.example"] };
  served = await serveMember({ member: createMemoryMember(), client: any, http: any, dashboard });
});

afterAll(() => served.close());

function ask(port: number, method: string, path: string, headers: Record<string, string>, body = "") {
  return new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const ports = (): number[] => [served.clientAddress.port, served.httpAddress!.port];
const put = (port: number, key: string, headers: Record<string, string>) =>
  ask(port, "POST", "/v3/kv/put", headers, JSON.stringify({ key: base64(key), value: base64("1") }));
const has = async (port: number, key: string): Promise<boolean> =>
  (await ask(port, "POST", "/v3/kv/range", {}, JSON.stringify({ key: base64(key) }))).text.includes('"kvs"');

describe("the gateway, which reads a body whatever it calls itself", () => {
  it.each([
    ["a form of another page", { origin: "https://evil.example", "content-type": "text/plain" }],
    ["a page in a sandbox", { origin: "null", "content-type": "application/x-www-form-urlencoded" }],
    ["a page at another port of this machine", { origin: "http://localhost:3000" }],
    ["a page whose name means this machine now", { host: "evil.example", origin: "http://evil.example" }],
    ["a browser that says no origin", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
  ])("is written by no %s", async (what, headers) => {
    for (const port of ports()) {
      const answer = await put(port, what, headers);
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        403,
        { code: 7, error: expect.stringContaining("other origins"), message: expect.stringContaining("other origins") },
      ]);
      expect(await has(port, what)).toBe(false);
    }
  });

  it("is there for programs by any name, and for pages of its own", async () => {
    for (const port of ports()) {
      const own: Record<string, string>[] = [
        {},
        { host: "anything.example" },
        { origin: `http://127.0.0.1:${port}`, "sec-fetch-site": "same-origin" },
        { host: `localhost:${port}`, origin: `http://localhost:${port}` },
        { host: "cluster.example", origin: "https://cluster.example" },
      ];
      for (const headers of own) expect((await put(port, "key", headers)).status).toBe(200);
      expect(await has(port, "key")).toBe(true);
    }
  });

  it("and what people read is no script or picture of another page, but a link may lead there", async () => {
    const [, port] = ports() as [number, number];
    const site = { "sec-fetch-site": "cross-site" };
    for (const path of ["/holdfast/v1/status", "/metrics", "/health"]) {
      expect((await ask(port, "GET", path, { ...site, "sec-fetch-mode": "no-cors" })).status).toBe(403);
      expect((await ask(port, "GET", path, { ...site, "sec-fetch-mode": "navigate" })).status).toBe(200);
      expect((await ask(port, "GET", path, {})).status).toBe(200);
    }
  });
});
