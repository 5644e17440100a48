import { request } from "node:http";
import { createMemoryMember } from "holdfast/coordination";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveMember, type Served } from "../serve.ts";

const any = { host: "127.0.0.1", port: 0 };
let served: Served;

/** A cluster with users, in which nobody has logged in. */
beforeAll(async () => {
  const member = createMemoryMember();
  const key = new TextEncoder().encode("secret");
  await member.put({ key, value: key });
  await member.auth.change({ type: "userAdd", name: "root", password: "pw" });
  await member.auth.change({ type: "roleAdd", name: "root" });
  await member.auth.change({ type: "userGrantRole", name: "root", role: "root" });
  await member.auth.change({ type: "authEnable" });
  served = await serveMember({ member, client: any, http: any, dashboard: { token: "a-token-of-some-length" } });
});

afterAll(() => served.close());

function ask(method: string, path: string, body?: string): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { authorization: "Bearer a-token-of-some-length", "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const { port } = served.httpAddress!;
    const asked = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

describe("the dashboard's token, in a cluster with users", () => {
  it("is nobody's password: it reads no key", async () => {
    const all = JSON.stringify({ key: "AA==", range_end: "AA==" });
    for (const path of ["/v3/kv/range", "/v3/kv/put", "/v3/kv/deleterange"]) {
      const answer = await ask("POST", path, all);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.text).not.toContain("c2VjcmV0");
    }
  });

  it("and shows and moves no plan", async () => {
    const below = "/holdfast/v1/dashboard/plans/p1";
    for (const [method, path] of [
      ["GET", below],
      ["POST", `${below}/approve`],
      ["POST", `${below}/cancel`],
    ] as const) {
      const answer = await ask(method, path, method === "GET" ? undefined : '{"step":"a"}');
      expect([path, answer.status, answer.text]).toEqual([path, 503, expect.stringContaining("user name is empty")]);
    }
  });
});
