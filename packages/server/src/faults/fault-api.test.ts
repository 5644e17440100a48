import { request } from "node:http";
import { faultRegistry, type FaultRegistry, type LiveTarget } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { serveFaults, type FaultApi, type FaultApiOptions } from "./fault-api.ts";

/** A target with a number of faults on it. */
function lamp(): LiveTarget & { on: number; resists: boolean } {
  return {
    name: "lamp",
    kinds: ["dark"],
    on: 0,
    resists: false,
    optedIn: () => true,
    check: (_, parameters) => parameters,
    inject() {
      this.on++;
    },
    remove() {
      if (this.resists) throw new Error("switch jammed");
      this.on--;
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

let api: FaultApi | undefined;
let registry: FaultRegistry | undefined;

afterEach(async () => {
  await api?.close();
  await registry?.close();
});

async function serve(options: Partial<FaultApiOptions> = {}): Promise<ReturnType<typeof lamp>> {
  const target = lamp();
  registry = faultRegistry({ clock: nodeRuntime().clock, targets: [target], maxFaults: 2 });
  api = await serveFaults({ registry, listen: { host: "127.0.0.1", port: 0 }, ...options });
  return target;
}

function ask(
  method: string,
  path: string,
  body?: string,
  headers: Readonly<Record<string, string>> = { "content-type": "application/json" },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { host, port } = api!.address;
    const outgoing = request({ host, port, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        const isJson = response.headers["content-type"]?.includes("json") === true;
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const path = "/holdfast/v1/faults";
const dark = JSON.stringify({ target: "lamp", kind: "dark", durationMs: 60_000 });

describe("faults over HTTP", () => {
  it("are listed, added, taken back by id and all at once", async () => {
    const target = await serve();
    expect((await ask("GET", path)).body).toEqual({
      targets: [{ name: "lamp", kinds: ["dark"] }],
      faults: [],
      counts: { injected: {}, removed: {}, refused: 0, stuck: 0 },
    });
    const added = await ask("POST", path, dark);
    expect(added).toMatchObject({ status: 201, body: { id: "dark-1", state: "active", target: "lamp" } });
    await ask("POST", path, dark);
    expect((await ask("GET", path)).body).toMatchObject({ faults: [{ id: "dark-1" }, { id: "dark-2" }] });
    expect(target.on).toBe(2);
    expect(await ask("DELETE", `${path}/dark-1`)).toMatchObject({ status: 200, body: { state: "removed" } });
    expect(target.on).toBe(1);
    expect(await ask("POST", `${path}/heal`, "{}")).toMatchObject({
      status: 200,
      body: { removed: [{ id: "dark-2", reason: "healed" }], stuck: [] },
    });
    expect([target.on, registry?.faults]).toEqual([0, []]);
  });

  it("heal without a body, as the page's button does", async () => {
    const target = await serve();
    await ask("POST", path, dark);
    const page = await ask("GET", "/", undefined, {});
    expect(page.body).toContain('<button id="heal" type="button">Heal everything</button>');
    const { host, port } = api!.address;
    const origin = `http://${host}:${port}`;
    expect(await ask("POST", `${path}/heal`, undefined, { origin })).toMatchObject({ status: 200 });
    expect(target.on).toBe(0);
  });

  it.each<[string, string, string, string | undefined, number, string]>([
    ["an unknown target", "POST", path, '{"target":"sun","kind":"dark","durationMs":1}', 404, "UNKNOWN_TARGET"],
    ["a kind not agreed to", "POST", path, '{"target":"lamp","kind":"x","durationMs":1}', 403, "NOT_OPTED_IN"],
    ["no length", "POST", path, '{"target":"lamp","kind":"dark"}', 400, "INVALID_ARGUMENT"],
    ["no kind", "POST", path, '{"target":"lamp"}', 400, "INVALID_ARGUMENT"],
    ["no object", "POST", path, "[]", 400, "INVALID_ARGUMENT"],
    ["parameters that are none", "POST", path, '{"kind":"dark","parameters":7}', 404, "UNKNOWN_TARGET"],
    ["half a body", "POST", path, '{"target"', 400, "INVALID_ARGUMENT"],
    ["too much", "POST", path, `"${"x".repeat(70_000)}"`, 413, "INVALID_ARGUMENT"],
    ["a fault that is not there", "DELETE", `${path}/none`, undefined, 404, "UNKNOWN_FAULT"],
    ["a page that is not there", "GET", "/faults", undefined, 404, "NOT_FOUND"],
  ])("refuse %s", async (_, method, where, body, status, code) => {
    const target = await serve();
    const headers: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
    expect(await ask(method, where, body, headers)).toMatchObject({ status, body: { error: { code } } });
    expect([target.on, registry?.faults]).toEqual([0, []]);
  });

  it("refuse a second of the same id, too many, and one that cannot be taken back", async () => {
    const target = await serve();
    const named = (id: string): string => JSON.stringify({ id, target: "lamp", kind: "dark", durationMs: 60_000 });
    await ask("POST", path, named("a"));
    expect(await ask("POST", path, named("a"))).toMatchObject({ status: 409 });
    await ask("POST", path, named("b"));
    expect(await ask("POST", path, named("c"))).toMatchObject({ status: 429 });
    target.resists = true;
    expect(await ask("DELETE", `${path}/a`)).toMatchObject({
      status: 503,
      body: { error: { code: "FAULT_STUCK", message: "a cannot be taken back yet: switch jammed" } },
    });
    expect((await ask("POST", `${path}/heal`)).body).toMatchObject({ removed: [], stuck: [{ id: "a" }, { id: "b" }] });
    target.resists = false;
    expect((await ask("POST", `${path}/heal`)).body).toMatchObject({ stuck: [] });
    expect(target.on).toBe(0);
  });
});

describe("who may ask", () => {
  const json = { "content-type": "application/json" };

  it.each<[string, Readonly<Record<string, string>>, number]>([
    ["a page of another origin", { ...json, origin: "http://evil.example" }, 403],
    ["a name that was made to mean this machine", { ...json, host: "evil.example" }, 403],
    ["a form", { "content-type": "text/plain" }, 415],
    ["a form of the usual kind", { "content-type": "application/x-www-form-urlencoded" }, 415],
  ])("not %s", async (_, headers, status) => {
    const target = await serve();
    expect((await ask("POST", path, dark, headers)).status).toBe(status);
    expect(target.on).toBe(0);
  });

  it("with a token only who has it, for everything", async () => {
    const target = await serve({ token: "secret" });
    for (const [method, where] of [
      ["GET", path],
      ["GET", "/"],
      ["POST", path],
      ["POST", `${path}/heal`],
    ] as const) {
      expect((await ask(method, where, method === "POST" ? dark : undefined, json)).status).toBe(401);
    }
    expect(target.on).toBe(0);
    expect((await ask("POST", path, dark, { ...json, authorization: "Bearer secret" })).status).toBe(201);
  });

  it("other machines only where that was asked for, and never without a token", async () => {
    const listen = { host: "0.0.0.0", port: 0 };
    const rule = "faultApi.listen must be an address of this machine alone, unless there is allowRemote and a token";
    await expect(serve({ listen })).rejects.toThrow(rule);
    await expect(serve({ listen, allowRemote: true })).rejects.toThrow(rule);
    await expect(serve({ listen, token: "secret" })).rejects.toThrow(rule);
  });
});
