import { createServer, request, type IncomingMessage, type RequestOptions } from "node:http";
import type { AddressInfo } from "node:net";
import { createTelemetry, recordEvents, type LiveMessage, type Telemetry } from "holdfast/telemetry";
import { VirtualClock } from "holdfast/testing";
import { afterEach, describe, expect, it } from "vitest";
import type { StatusDocument } from "../http/member-status.ts";
import { createDashboard, type Dashboard, type DashboardOptions } from "./dashboard.ts";

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const status: StatusDocument = {
  clusterId: "c1",
  member: {
    id: "1",
    name: "n1",
    role: "leader",
    term: 2,
    leader: "1",
    commitIndex: 7,
    appliedIndex: 7,
    revision: 3,
    storeBytes: 10,
    logBytes: 20,
    residentBytes: 30,
  },
  members: [{ id: "1", name: "n1", peerUrls: [], clientUrls: [], httpUrls: [], isLearner: false }],
};

const report = {
  service: "shop",
  instance: "a",
  at: 1,
  startedAt: 0,
  health: null,
  policies: [],
  errors: [],
  omitted: 0,
};
const token = "a-token-of-some-length";

interface Served {
  readonly dashboard: Dashboard;
  readonly telemetry: Telemetry;
  readonly port: number;
}

async function serve(options: Partial<DashboardOptions> & { listening?: string } = {}): Promise<Served> {
  const telemetry = createTelemetry({ clock: new VirtualClock(), nodeId: "n1" });
  const recorder = recordEvents(telemetry);
  const dashboard = createDashboard({
    servedBy: "n1",
    known: () => [],
    self: { name: "n1", word: () => ({ status, gossip: undefined }) },
    events: { nodeId: "n1", run: "r", recorder },
    ...options,
  });
  const server = createServer((incoming, response) => {
    if (!dashboard.handle(incoming, response)) response.writeHead(404).end("not the dashboard's");
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  dashboard.setListening([{ host: options.listening ?? "127.0.0.1", port }]);
  opened.push(() => {
    dashboard.close();
    server.closeAllConnections();
    server.close();
  });
  return { dashboard, telemetry, port };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

function ask({ port }: Served, path: string, options: RequestOptions & { body?: string } = {}): Promise<Answer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, agent: false, ...rest }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const data = "/holdfast/v1/dashboard/";
const json = { "content-type": "application/json" };
const postReport = { method: "POST", headers: json, body: JSON.stringify(report) };

/** Opens the stream and gathers until there is enough. */
async function gather(
  { port }: Served,
  isEnough: (messages: readonly LiveMessage[]) => boolean,
  options: { readonly headers?: Record<string, string>; readonly query?: string } = {},
): Promise<{ messages: LiveMessage[]; lastId: string | undefined }> {
  const messages: LiveMessage[] = [];
  let lastId: string | undefined;
  await new Promise<void>((resolve, reject) => {
    const path = `${data}stream${options.query ?? ""}`;
    const asked = request({ host: "127.0.0.1", port, path, agent: false, headers: options.headers }, (response) => {
      let left = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        const blocks = (left + text).split("\n\n");
        left = blocks.pop() ?? "";
        for (const block of blocks) {
          lastId = /^id: (.+)$/m.exec(block)?.[1] ?? lastId;
          const found = /^data: (.+)$/m.exec(block)?.[1];
          if (found !== undefined) messages.push(JSON.parse(found) as LiveMessage);
        }
        if (!isEnough(messages)) return;
        asked.destroy();
        resolve();
      });
    });
    asked.on("error", reject);
    asked.end();
  });
  return { messages, lastId };
}

const eventsOf = (messages: readonly LiveMessage[]): string[] =>
  messages.flatMap((message) => (message.type === "events" ? message.events.map(({ id }) => id) : []));

describe("who may see the dashboard", () => {
  const refused: readonly [what: string, headers: Record<string, string>, status: number, detail: string][] = [
    ["a foreign name of this machine", { host: "evil.example:2381" }, 403, "by a name it knows"],
    ["a name that only begins like its own", { host: "localhost.evil.example" }, 403, "by a name it knows"],
    ["a page of another origin", { origin: "https://evil.example" }, 403, "other origins"],
    ["a page without an origin of its own", { origin: "null" }, 403, "other origins"],
  ];

  it.each(refused)("not %s", async (_what, headers, expected, detail) => {
    const served = await serve();
    const answer = await ask(served, `${data}services`, { headers });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      expected,
      { title: "Forbidden", status: expected, detail: expect.stringContaining(detail) },
    ]);
    // Nor may they change something.
    const posted = await ask(served, `${data}services`, { ...postReport, headers: { ...json, ...headers } });
    expect(posted.status).toBe(403);
    expect(served.dashboard.hub.shelf.all()).toEqual([]);
  });

  it("clients of this machine, by its names, and pages of the same origin", async () => {
    const served = await serve();
    for (const host of [`localhost:${served.port}`, `127.0.0.1:${served.port}`, `[::1]:${served.port}`]) {
      expect((await ask(served, `${data}services`, { headers: { host, origin: `http://${host}` } })).status).toBe(200);
    }
  });

  it("who has the token, where there is one", async () => {
    const served = await serve({ token });
    const headers = [
      {},
      { authorization: "Bearer wrong" },
      { authorization: token },
      { authorization: `Bearer ${token}x` },
    ];
    for (const given of headers) {
      const answer = await ask(served, `${data}services`, { headers: given });
      expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
    }
    const right = { headers: { authorization: `Bearer ${token}` } };
    expect((await ask(served, `${data}services`, right)).status).toBe(200);
    // The page itself holds nothing that is secret, and asks for the token.
    expect((await ask(served, "/dashboard/nothing.js")).status).toBe(404);
  });

  it("nobody at a port that other machines reach, without a token", async () => {
    const served = await serve({ listening: "0.0.0.0" });
    for (const path of [`${data}services`, "/dashboard/"]) {
      const answer = await ask(served, path);
      expect([answer.status, answer.text]).toEqual([403, expect.stringContaining("the dashboard is off here")]);
    }
    const open = await serve({ listening: "0.0.0.0", token, hosts: ["cluster.example"] });
    const headers = { authorization: `Bearer ${token}`, host: `cluster.example:${open.port}` };
    expect((await ask(open, `${data}services`, { headers })).status).toBe(200);
    const other = { authorization: `Bearer ${token}`, host: `other.example:${open.port}` };
    expect((await ask(open, `${data}services`, { headers: other })).status).toBe(403);
  });
});

describe("what is asked", () => {
  it("leaves alone what is not its own", async () => {
    const served = await serve();
    for (const path of ["/", "/dashboards", "/holdfast/v1/status", "/v3/kv/range"]) {
      expect((await ask(served, path)).text).toBe("not the dashboard's");
    }
    const browser = await ask(served, "/", { headers: { accept: "text/html,application/xhtml+xml" } });
    expect([browser.status, browser.headers.location]).toEqual([302, "/dashboard/"]);
  });

  it.each([
    ["GET", "nothing", 404, "nothing at this path"],
    ["PUT", "services", 405, "use GET or POST"],
    ["POST", "faults", 403, "holdfast up --allow-faults"],
    ["POST", "heal", 403, "holdfast up --allow-faults"],
    ["DELETE", "faults/x", 403, "holdfast up --allow-faults"],
    ["GET", "plans/x", 404, "plans are not kept here"],
    ["GET", "plans/%zz", 400, "not encoded"],
    ["GET", "stream?since=yesterday", 400, "the id of an event"],
  ])("%s %s is refused with why", async (method, path, expected, detail) => {
    const answer = await ask(await serve(), data + path, { method });
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(answer.text)).toMatchObject({ status: expected, detail: expect.stringContaining(detail) });
  });

  it("never leaves the page's directory", async () => {
    const served = await serve();
    for (const path of [
      "../package.json",
      "%2e%2e/package.json",
      "..%2fpackage.json",
      "a//b.js",
      ".git/x.js",
      "x.exe",
    ]) {
      const answer = await ask(served, `/dashboard/${path}`);
      expect([path, answer.status === 404]).toEqual([path, true]);
    }
  });
});

describe("reports of services", () => {
  it("are taken, shown, and told to other members", async () => {
    const served = await serve();
    const waiting = gather(served, (all) => all.some((one) => one.type === "services" && one.services.length === 1));
    expect(await ask(served, `${data}services`, postReport)).toMatchObject({ status: 204 });
    await waiting;
    const first = JSON.parse((await ask(served, `${data}services`)).text) as { version: number; services: unknown[] };
    expect(first.services).toEqual([{ report, ageMs: expect.any(Number) }]);
    expect(JSON.parse((await ask(served, `${data}services?since=${first.version}`)).text)).toEqual({
      version: first.version,
      services: [],
      left: [],
    });
  });

  it.each([
    ["too large, as it says", { "content-length": "300000" }, 413, "at most 262144 bytes"],
    ["of another type", { "content-type": "text/plain" }, 415, "application/json"],
    ["no JSON", {}, 400, "one JSON document"],
  ])("are refused when %s", async (_what, headers, expected, detail) => {
    const served = await serve();
    const body = expected === 413 ? " ".repeat(300_000) : "{";
    const answer = await ask(served, `${data}services`, { method: "POST", headers: { ...json, ...headers }, body });
    expect([answer.status, answer.text]).toEqual([expected, expect.stringContaining(detail)]);
  });

  it("are refused when too large without saying so", async () => {
    const served = await serve();
    const answer = await new Promise<number>((resolve, reject) => {
      const to = { host: "127.0.0.1", port: served.port, path: `${data}services`, method: "POST", headers: json };
      const asked = request({ ...to, agent: false }, (response) => {
        resolve(response.statusCode ?? 0);
        asked.destroy();
      });
      asked.on("error", reject);
      const write = (left: number): void => {
        if (left > 0 && !asked.destroyed) asked.write(" ".repeat(64 * 1024), () => write(left - 1));
      };
      write(6);
    });
    expect(answer).toBe(413);
  });

  it("that are refused are told to the page, with why", async () => {
    const served = await serve({ token });
    const bearer = { authorization: `Bearer ${token}` };
    const told = gather(served, (all) => all.some((one) => one.type === "services" && (one.refused?.count ?? 0) >= 2), {
      headers: bearer,
    });
    const wrong = JSON.stringify({ ...report, policies: [{}] });
    expect((await ask(served, `${data}services`, postReport)).status).toBe(401);
    const headers = { ...json, ...bearer };
    const refused = await ask(served, `${data}services`, { ...postReport, headers, body: wrong });
    expect([refused.status, refused.headers["content-type"]]).toEqual([400, "application/problem+json"]);
    const last = (await told).messages.findLast(({ type }) => type === "services");
    expect(last).toMatchObject({
      services: [],
      refused: { count: 2, detail: expect.stringContaining("policies[0].kind must be a text"), at: expect.any(Number) },
    });
  });

  it("are wanted seldom while nobody looks, and have an end when a service takes leave", async () => {
    const served = await serve();
    const unseen = await ask(served, `${data}services`, postReport);
    expect(unseen.headers["holdfast-next-ms"]).toBe("6000");
    // Another member asks, for a page that is open there.
    await ask(served, `${data}services?since=0`);
    expect((await ask(served, `${data}services`, postReport)).headers["holdfast-next-ms"]).toBeUndefined();
    const { service, instance, startedAt } = report;
    const left = gather(
      served,
      (all) => all.findLast((one) => one.type === "services")?.absent?.[0]?.reason === "left",
    );
    const path = `${data}services/${encodeURIComponent(service)}/${encodeURIComponent(instance)}?startedAt=${startedAt}`;
    expect((await ask(served, path, { method: "DELETE" })).status).toBe(204);
    await left;
    expect(served.dashboard.hub.shelf.all()).toEqual([]);
  });

  it("in a flood are refused at a bound, and the page goes on", async () => {
    const served = await serve();
    const statuses = await Promise.all(
      Array.from({ length: 230 }, async (_, at) => {
        const body = JSON.stringify({ ...report, instance: `i${at}` });
        return (await ask(served, `${data}services`, { ...postReport, body })).status;
      }),
    );
    expect(statuses.filter((one) => one === 204)).toHaveLength(200);
    expect(statuses.filter((one) => one === 429)).toHaveLength(30);
    expect(served.dashboard.hub.shelf.all()).toHaveLength(200);
  });
});

describe("the stream", () => {
  const enough = (count: number) => (messages: readonly LiveMessage[]) =>
    eventsOf(messages).length >= count && messages.some(({ type }) => type === "cluster");

  it("begins with who serves, then all there is", async () => {
    const served = await serve();
    served.telemetry.publish({ type: "quorumLost", term: 1 });
    const { messages } = await gather(served, enough(1));
    expect(messages[0]).toMatchObject({
      type: "hello",
      version: 1,
      servedBy: "n1",
      allows: { faults: false, plans: false, keys: true },
      everyMs: 1_000,
    });
    expect(new Set(messages.map(({ type }) => type))).toEqual(
      new Set(["hello", "services", "plans", "drills", "faults", "cluster", "events"]),
    );
    expect(messages.find(({ type }) => type === "cluster")).toMatchObject({ cluster: { leader: "n1", term: 2 } });
  });

  it("tells what was before anybody watched, in numbers too", async () => {
    const clock = new VirtualClock();
    const served = await serve({ clock });
    const policy = { kind: "retry", name: "bank", state: null, isForced: false, callsPerSecond: 7, failureRatio: 0 };
    const rest = { durationMs: { p50: 1, p90: 2, p99: 3 }, counts: {}, gauges: {}, configuration: {} };
    const body = JSON.stringify({ ...report, policies: [{ ...policy, ...rest }] });
    for (let time = 0; time < 4; time++) {
      expect((await ask(served, `${data}services`, { method: "POST", headers: json, body })).status).toBe(204);
      await clock.advance(6_000);
    }
    const isHistory = (message: LiveMessage) => message.type === "history";
    const { messages } = await gather(served, (got) => got.filter(isHistory).length === 2);
    const [own, services] = messages.filter(isHistory);
    expect(own).toMatchObject({ cluster: { residentBytes: [null, 30, 30], commitsPerSecond: [null, null, 0] } });
    expect(services).toMatchObject({ policies: [{ service: "shop", name: "bank", callsPerSecond: [7, 7, 7] }] });
    const { text } = await ask(served, `${data}history?since=999999999999`);
    expect(JSON.parse(text)).toMatchObject({ stepMs: 5_000, member: null, policies: [] });
  });

  it("goes on where a page was, and begins anew where that was elsewhere", async () => {
    const served = await serve();
    served.telemetry.publish({ type: "quorumLost", term: 1 });
    const { lastId } = await gather(served, enough(1));
    served.telemetry.publish({ type: "quorumLost", term: 2 });
    const resumed = await gather(served, enough(1), { headers: { "last-event-id": lastId! } });
    expect(eventsOf(resumed.messages)).toEqual(["n1:r-2"]);
    const elsewhere = await gather(served, enough(2), { query: "?since=00000000-7" });
    expect(eventsOf(elsewhere.messages)).toEqual(["n1:r-1", "n1:r-2"]);
  });

  it("tells of the cluster every second, though nothing changes", async () => {
    const served = await serve();
    const startedMs = performance.now();
    await gather(served, (all) => all.filter(({ type }) => type === "cluster").length >= 2);
    expect(performance.now() - startedMs).toBeLessThan(1_500);
  });

  it("is given to so many pages at once", async () => {
    const served = await serve({ maxStreams: 2 });
    const pages = [await openPage(served), await openPage(served)];
    const third = await ask(served, `${data}stream`);
    expect([third.status, third.text]).toEqual([503, expect.stringContaining("there are 2 streams already")]);
    pages[0]!.destroy();
    await gather(served, () => true);
    pages[1]!.destroy();
  });
});

async function openPage({ port }: Served): Promise<IncomingMessage> {
  const asked = request({ host: "127.0.0.1", port, path: `${data}stream`, agent: false });
  return await new Promise((resolve, reject) => {
    asked.on("error", () => undefined);
    asked.once("error", reject);
    asked.once("response", (response) => {
      response.on("error", () => undefined);
      response.once("data", () => resolve(response));
    });
    asked.end();
  });
}
