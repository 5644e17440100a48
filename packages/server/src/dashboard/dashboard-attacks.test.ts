import { connect } from "node:net";
import { createTelemetry, recordEvents, type Telemetry } from "holdfast/telemetry";
import { VirtualClock } from "holdfast/testing";
import { afterEach, describe, expect, it } from "vitest";
import { createDashboard, type Dashboard, type DashboardOptions } from "./dashboard.ts";
import { hostDashboard } from "./host-dashboard.ts";
import type { FaultDesk } from "./fault-desk.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Hosted {
  readonly dashboard: Dashboard;
  readonly telemetry: Telemetry;
  readonly port: number;
}

const token = "a-token-of-some-length";

async function host(options: Partial<DashboardOptions> = {}): Promise<Hosted> {
  const telemetry = createTelemetry({ clock: new VirtualClock(), nodeId: "up" });
  const recorder = recordEvents(telemetry, { maxEvents: 100 });
  const events = { nodeId: "up", run: "r", recorder };
  const dashboard = createDashboard({ servedBy: "up", known: () => [], events, ...options });
  const hosted = await hostDashboard(dashboard, { listen: { host: "127.0.0.1", port: 0 } });
  closing.push(() => hosted.close());
  return { dashboard, telemetry, port: hosted.address.port };
}

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends exactly these bytes, and gives what came until there was enough, or the connection ended, or was silent for long. */
function send({ port }: Hosted, bytes: string, enough = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => void socket.write(bytes));
    let text = "";
    socket.setEncoding("latin1").on("data", (part: string) => {
      text += part;
      if (enough !== "" && text.includes(enough)) socket.destroy();
    });
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("error", (error) => (text === "" ? reject(error) : undefined));
    socket.on("close", () => resolve(text));
  });
}

async function ask(
  hosted: Hosted,
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
  enough = "",
) {
  const all = { host: `127.0.0.1:${hosted.port}`, connection: "close", ...headers };
  const length = body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const head = Object.entries({ ...all, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return answerIn(await send(hosted, `${line} HTTP/1.1\r\n${head.join("")}\r\n${body}`, enough));
}

function answerIn(text: string): Answer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head: head.toLowerCase(), body: rest.join("\r\n\r\n") };
}

const data = "/holdfast/v1/dashboard/";
const json = { "content-type": "application/json" };
const right = { authorization: `Bearer ${token}` };

/** Counts what it is asked for. */
function deskOf(asked: string[]): FaultDesk {
  return {
    faults: () => [],
    targets: () => [],
    inject: async () => Promise.reject(new Error(String(asked.push("inject")))),
    remove: async () => Promise.reject(new Error(String(asked.push("remove")))),
    heal: async () => ({ removed: asked.push("heal"), stuck: 0 }),
    onChange: () => undefined,
  };
}

describe("a page of somebody else", () => {
  it.each([
    ["a form", { origin: "https://evil.example", "content-type": "text/plain" }],
    ["a form in a sandbox", { origin: "null", "content-type": "text/plain" }],
    ["a page at another port", { origin: "http://127.0.0.1:1" }],
    ["a page of the other scheme", {}],
    ["a browser that says no origin", { "sec-fetch-site": "cross-site" }],
    ["a page at another port that says no origin", { "sec-fetch-site": "same-site" }],
    ["a name that means this machine now", { host: "evil.example", origin: "http://evil.example" }],
  ])("heals nothing and injects nothing: %s", async (_what, headers) => {
    const asked: string[] = [];
    const hosted = await host({ faults: () => deskOf(asked) });
    const given = Object.keys(headers).length > 0 ? headers : { origin: `https://127.0.0.1:${hosted.port}` };
    for (const line of [`POST ${data}heal`, `POST ${data}faults`, `DELETE ${data}faults/x`, `POST ${data}services`]) {
      expect((await ask(hosted, line, given, "{}")).status).toBe(403);
    }
    expect(asked).toEqual([]);
    expect((await ask(hosted, `POST ${data}heal`, { "sec-fetch-site": "same-origin" })).status).toBe(200);
  });

  it("takes up no stream with pictures, and includes no data as a script", async () => {
    const hosted = await host({ maxStreams: 1 });
    for (const site of ["cross-site", "same-site"]) {
      for (const path of ["stream", "services"]) {
        const headers = { "sec-fetch-site": site, "sec-fetch-mode": "no-cors" };
        expect((await ask(hosted, `GET ${data}${path}`, headers)).status).toBe(403);
      }
    }
    const own = { "sec-fetch-site": "same-origin" };
    expect((await ask(hosted, `GET ${data}stream`, own, "", "hello")).status).toBe(200);
  });

  it("gets no data, and frames nothing: every answer says so", async () => {
    const hosted = await host({ token });
    const paths: readonly [line: string, headers: object, status: number][] = [
      [`GET ${data}services`, right, 200],
      [`GET ${data}stream`, right, 200],
      [`GET ${data}services`, {}, 401],
      [`GET ${data}nothing`, right, 404],
      ["GET /dashboard/nothing.js", {}, 404],
    ];
    for (const [line, headers, status] of paths) {
      const answer = await ask(hosted, line, { ...headers }, "", "\r\n\r\n");
      expect([line, answer.status]).toEqual([line, status]);
      for (const header of [
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-resource-policy: same-origin",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "cache-control: no-store",
      ]) {
        expect(answer.head).toContain(header);
      }
      expect(answer.head).not.toContain("access-control-allow");
    }
    const preflight = { origin: "http://evil.example", "access-control-request-method": "POST" };
    const answer = await ask(hosted, `OPTIONS ${data}heal`, preflight);
    expect([answer.status, answer.head.includes("access-control-allow")]).toEqual([403, false]);
  });
});

describe("without a token", () => {
  it.each(["x-forwarded-for", "x-forwarded-host", "forwarded", "via"])(
    "nobody comes by way of a proxy on this machine that says so: %s",
    async (name) => {
      const hosted = await host();
      for (const line of [`GET ${data}services`, "GET /dashboard/"]) {
        const answer = await ask(hosted, line, { [name]: "1.1 proxy" });
        expect([answer.status, answer.body]).toEqual([403, expect.stringContaining("by way of a proxy")]);
      }
      expect((await ask(await host({ token }), `GET ${data}services`, { ...right, [name]: "a" })).status).toBe(200);
    },
  );

  it("a page behind a proxy that ends TLS may ask only with a token, by a name given on purpose", async () => {
    const behind = { host: "shop.example", origin: "https://shop.example", ...right };
    const hosts = ["shop.example"];
    expect((await ask(await host({ token, hosts }), `GET ${data}services`, behind)).status).toBe(200);
    expect((await ask(await host({ hosts }), `GET ${data}services`, behind)).status).toBe(403);
    const other = { ...behind, origin: "https://evil.example" };
    expect((await ask(await host({ token, hosts }), `GET ${data}services`, other)).status).toBe(403);
  });
});

describe("a token", () => {
  it("is taken from the header alone, never from an address or a cookie", async () => {
    const hosted = await host({ token });
    for (const line of [`GET ${data}services?token=${token}`, `GET ${data}services?access_token=${token}`]) {
      expect((await ask(hosted, line, { cookie: `token=${token}` })).status).toBe(401);
    }
    for (const wrong of [`Bearer ${token.slice(0, -1)}`, `Bearer ${token} `.repeat(2), `Basic ${token}`, "Bearer"]) {
      expect((await ask(hosted, `GET ${data}services`, { authorization: wrong })).status).toBe(401);
    }
    const refused = await ask(hosted, `GET ${data}services`, { authorization: "Bearer guessed-wrongly-here" });
    expect(refused.head + refused.body).not.toContain("guessed-wrongly-here");
  });
});

describe("a request that is none", () => {
  it.each([
    ["two lengths", "POST PATH HTTP/1.1\r\nhost: HERE\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"],
    [
      "a length and chunks",
      "POST PATH HTTP/1.1\r\nhost: HERE\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nX",
    ],
    [
      "chunks by another name",
      "POST PATH HTTP/1.1\r\nhost: HERE\r\ntransfer-encoding: xchunked, identity\r\n\r\n0\r\n\r\n",
    ],
    ["a folded header", "GET PATH HTTP/1.1\r\nhost: HERE\r\nx: a\r\n b\r\n\r\n"],
    ["a space before a colon", "GET PATH HTTP/1.1\r\nhost : HERE\r\n\r\n"],
    ["a bare line feed in a header", "GET PATH HTTP/1.1\nhost: HERE\n\n"],
    ["no host", "GET PATH HTTP/1.1\r\n\r\n"],
  ])("gets 400, and its connection ends: %s", async (_what, text) => {
    const hosted = await host();
    const came = await send(hosted, text.replace("PATH", `${data}heal`).replace("HERE", `127.0.0.1:${hosted.port}`));
    expect(came).toMatch(/^HTTP\/1\.1 400 /);
    expect(came.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
  });

  it("whose head is too long gets 431, whose body is too long or nested too deep gets why", async () => {
    const hosted = await host();
    expect((await ask(hosted, `GET ${data}services`, { "x-long": "x".repeat(20_000) })).status).toBe(431);
    expect((await ask(hosted, `GET ${data}services?${"x".repeat(20_000)}`)).status).toBe(431);
    const deep = await ask(hosted, `POST ${data}services`, json, "[".repeat(100_000) + "]".repeat(100_000));
    expect([deep.status, deep.body]).toEqual([400, expect.stringContaining("nested too deep")]);
    const proto = '{"__proto__":{"service":"shop"},"constructor":{"prototype":{"isAdmin":true}}}';
    expect((await ask(hosted, `POST ${data}services`, json, proto)).status).toBe(400);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it("leaves nothing of its body to be read as the next one", async () => {
    const hosted = await host({ token });
    const hidden = `GET /dashboard/x HTTP/1.1\r\nhost: 127.0.0.1:${hosted.port}\r\n\r\n`;
    const head = `POST ${data}heal HTTP/1.1\r\nhost: 127.0.0.1:${hosted.port}\r\ncontent-length: 1000000\r\n\r\n`;
    const came = await send(hosted, head + hidden.repeat(2));
    expect(came.match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 401"]);
  });

  it.each([
    "/dashboard/../../package.json",
    "/dashboard/..%2f..%2fpackage.json",
    "/dashboard/%2e%2e/%2e%2e/package.json",
    "/dashboard//etc/passwd.json",
    "/dashboard/assets/..%5c..%5cpackage.json",
    "/dashboard/x.js%00.html",
    "/dashboard/.hidden.json",
    `${data}../../../dashboard/../package.json`,
    "http://evil.example/dashboard/",
    "//evil.example/dashboard/",
  ])("finds nothing at %s", async (path) => {
    expect((await ask(await host(), `GET ${path}`)).status).toBe(404);
  });
});

describe("who may not change anything", () => {
  it("cannot do so by asking without the page", async () => {
    const hosted = await host();
    for (const [line, status] of [
      [`POST ${data}faults`, 403],
      [`DELETE ${data}faults/x`, 403],
      [`POST ${data}heal`, 403],
      [`POST ${data}plans/x/approve`, 404],
      [`POST ${data}plans/x/cancel`, 404],
      [`PUT ${data}faults`, 405],
      [`PATCH ${data}services`, 405],
      [`HEAD ${data}stream`, 405],
      ["POST /dashboard/", 405],
      ["TRACE /dashboard/", 405],
      ["POST /v3/kv/range", 404],
      ["POST /v3/kv/put", 404],
    ] as const) {
      expect([line, (await ask(hosted, line, json, "{}")).status]).toEqual([line, status]);
    }
  });

  it("reads keys through the page's own way, and writes none", async () => {
    const bodies: string[] = [];
    const gateway = async (body: string) => ({ status: bodies.push(body) && 200, body: "{}" });
    const hosted = await host({ gateway });
    expect((await ask(hosted, "POST /v3/kv/range", json, '{"key":"AA=="}')).status).toBe(200);
    expect((await ask(hosted, "POST /v3/kv/range", { "content-type": "text/plain" }, "{}")).status).toBe(415);
    expect((await ask(hosted, "GET /v3/kv/range")).status).toBe(405);
    for (const path of ["/v3/kv/put", "/v3/kv/range/../put", "/v3/kv/range?x", "/v3/kv/deleterange"]) {
      expect((await ask(hosted, `POST ${path}`, json, "{}")).status).toBe(404);
    }
    expect(bodies).toEqual(['{"key":"AA=="}']);
  });
});

describe("a page that comes from elsewhere", () => {
  it("hears that events may be missing, where some were forgotten before they could be told", async () => {
    const hosted = await host();
    const { telemetry } = hosted;
    for (let at = 0; at < 150; at++) telemetry.publish({ type: "quorumLost", term: at });
    const [shown, missing] = ['"id":"up:r-150"', 'data: {"type":"lost","nodeId":"up","count":null}'];
    const fresh = await ask(hosted, `GET ${data}stream`, {}, "", shown);
    expect(fresh.body).not.toContain('"type":"lost"');
    const away = await ask(hosted, `GET ${data}stream`, { "last-event-id": "00000000-70" }, "", shown);
    expect(away.body).toContain(missing);
    const [, id = ""] = /^id: (\S+)$/m.exec(fresh.body) ?? [];
    telemetry.publish({ type: "quorumLost", term: 1 });
    const back = await ask(hosted, `GET ${data}stream`, { "last-event-id": id }, "", '"id":"up:r-151"');
    expect(back.body).toContain('"id":"up:r-151"');
    expect(back.body).not.toContain('"type":"lost"');
  });
});
