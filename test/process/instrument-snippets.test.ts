import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { ServiceReport } from "holdfast/telemetry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const [, section = ""] =
  /\n## Your own services\n(.*?)\n## /s.exec(readFileSync(join(root, "docs/dashboard.md"), "utf8")) ?? [];
const snippets = [...section.matchAll(/```ts\n(.*?)```/gs)].map(([, snippet = ""]) => snippet);

/** What a reader has before he adds the lines; what comes after the routes has its own place there. */
const apps = {
  fastify: {
    before: `import fastify from "fastify"; const app = fastify();`,
    after: `app.get("/broken", async () => bank.execute(async () => { throw new Error("the bank is closed"); }));
      const url = await app.listen({ host: "127.0.0.1", port: 0 });`,
    close: `await app.close();`,
  },
  express: {
    before: `import express from "express"; const app = express();`,
    after: `app.get("/broken", () => bank.execute(async () => { throw new Error("the bank is closed"); }));
      LAST
      app.use((error, request, response, next) => response.status(502).end());
      const server = await new Promise((resolve) => { const it = app.listen(0, "127.0.0.1", () => resolve(it)); });
      const url = "http://127.0.0.1:" + server.address().port;`,
    close: `server.close(); server.closeIdleConnections(); await service.close();`,
  },
  hono: {
    before: `import { Hono } from "hono"; import { serve } from "@hono/node-server"; const app = new Hono();`,
    after: `app.get("/broken", () => bank.execute(async () => { throw new Error("the bank is closed"); }));
      app.onError((error, context) => context.text("no", 502));
      let opened; const open = new Promise((resolve) => { opened = resolve; });
      const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, opened);
      const url = "http://127.0.0.1:" + (await open).port;`,
    close: `server.close(); server.closeIdleConnections(); await service.close();`,
  },
} as const;

const common = `
  import { circuitBreaker, bulkhead } from "holdfast/resilience";
  import { createHealth } from "holdfast/telemetry";
  const bank = circuitBreaker({ name: "bank", window: { kind: "consecutive", failures: 2 }, openMs: 60_000 });
  const stock = bulkhead({ name: "stock", maxConcurrent: 10 });
  const health = createHealth();
  health.add("database", { critical: false });
  health.set("database", "unhealthy", "no route to it");
`;
/** Stays until it is told that enough was heard. */
const calls = `
  for (let call = 0; call < 3; call++) await (await fetch(url + "/broken")).text();
  await new Promise((resolve) => process.stdin.once("data", resolve).resume());
  await health.close();
`;

/** What stands for a member: reports come here. */
let member: Server;
const heard = new Map<string, ServiceReport[]>();
const left: string[] = [];
let onHeard: () => void = () => undefined;

beforeAll(async () => {
  member = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      const name = request.headers.authorization?.slice("Bearer ".length) ?? "";
      if (request.method === "DELETE") left.push(name);
      else heard.set(name, [...(heard.get(name) ?? []), JSON.parse(body) as ServiceReport]);
      response.writeHead(204).end();
      onHeard();
    });
  });
  await new Promise<void>((resolve) => void member.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  member.closeAllConnections();
  member.close();
});

/** The program that a reader has then, with the lines word for word. */
function programOf(snippet: string, { before, after, close }: (typeof apps)[keyof typeof apps]): string {
  const { port } = member.address() as AddressInfo;
  const lines = snippet.replace("http://127.0.0.1:2381", `http://127.0.0.1:${port}`).split("\n");
  const isLast = (line: string): boolean => line.includes("// after them");
  const first = lines.filter((line) => !isLast(line)).join("\n");
  return [before, common, first, after.replace("LAST", lines.filter(isLast).join("\n")), calls, close].join("\n");
}

describe("the lines that make a service appear", () => {
  it("are there for each kind of server", () => {
    expect(snippets.map((snippet) => /adapters\/(\w+)/.exec(snippet)?.[1])).toEqual(Object.keys(apps));
    const own = snippets.map((snippet) =>
      snippet.split("\n").filter((line) => line !== "" && !line.startsWith("import ")),
    );
    expect(own.map((lines) => lines.length)).toEqual([2, 3, 2]);
  });

  it.concurrent.each(Object.keys(apps) as (keyof typeof apps)[])("are enough for %s", async (name) => {
    const snippet = snippets[Object.keys(apps).indexOf(name)]!;
    const options = ["--conditions=source", "--input-type=module", "--eval", programOf(snippet, apps[name])];
    const env = { ...process.env, HOLDFAST_DASHBOARD_TOKEN: name };
    const child = spawn(process.execPath, options, { cwd: root, env, stdio: ["pipe", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = new Promise<number | null>((resolve) => void child.once("close", resolve));
    const isOpen = (): boolean =>
      heard
        .get(name)
        ?.at(-1)
        ?.policies.some(({ state, kind }) => kind === "circuitBreaker" && state === "open") === true &&
      (heard.get(name)?.at(-1)?.errors.length ?? 0) > 0;
    const before = onHeard;
    await Promise.race([
      ended,
      new Promise<void>((resolve) => {
        onHeard = () => {
          before();
          if (isOpen()) resolve();
        };
      }),
    ]);
    child.stdin.end("go\n");
    expect([await ended, stderr]).toEqual([0, ""]);
    const report = heard.get(name)?.at(-1);
    expect(report).toMatchObject({
      service: "shop",
      health: { components: [{ name: "database", state: "unhealthy", details: "no route to it", isCritical: false }] },
    });
    expect(report!.health!.components[0]!.since).toBeGreaterThan(0);
    const shown = Object.fromEntries(report!.policies.map((each) => [`${each.kind} ${each.name}`, each]));
    expect(shown["circuitBreaker bank"]).toMatchObject({ state: "open", configuration: { openMs: "60000" } });
    expect(shown["bulkhead stock"]).toBeDefined();
    expect(shown["route GET /broken"]?.counts["failed"]).toBeGreaterThanOrEqual(2);
    const messages = report!.errors.map(({ message, count }) => [message, count]);
    expect(messages).toContainEqual([expect.stringContaining("the bank is closed"), 2]);
    // It went as it should, and said so.
    expect(left).toContain(name);
  });
});
