import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { request, type RequestOptions } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificates, type AutoCertificates } from "../../packages/server/src/tls/auto-certificates.ts";
import { start, until, type RunningCommand } from "./holdfast-command.ts";
import { cleanUp, line, place, undo, type Place } from "./lone-node.ts";

const token = "a-token-of-some-length";
const dayMs = 86_400_000;
let where: Place;
let node: RunningCommand;
let made: AutoCertificates;

/** The node's files; what is made beside them is put in their place when it is to be renewed. */
const at = (file: string): string => join(`${where.data}-tls`, file);

beforeAll(async () => {
  where = await place();
  // Five days are left of the year for which it was signed.
  made = makeCertificates(`${where.data}-tls`, new Date(Date.now() - 360.5 * dayMs));
  writeFileSync(at("token"), token, { mode: 0o600 });
  copyFileSync(made.server.cert, at("node.crt"));
  copyFileSync(made.server.key, at("node.key"));
  const tls = ["--cert-file", at("node.crt"), "--key-file", at("node.key")];
  const dashboard = ["--dashboard-token-file", at("token"), "--dashboard-host", "shop.example"];
  node = start([...line(where), ...tls, ...dashboard]);
  undo.push(async () => {
    node.child.kill("SIGKILL");
    await node.done;
  });
  await node.firstLine();
});

afterAll(cleanUp);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

const host = (): string => `127.0.0.1:${where.port + 2}`;
const bearer = { authorization: `Bearer ${token}` };
const data = "/holdfast/v1/dashboard/";

/** Over HTTPS, with exactly these headers; what has come once `isEnough` says so, or all. */
function ask(
  path: string,
  headers: RequestOptions["headers"] = {},
  isEnough: (text: string) => boolean = () => false,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(made.ca, "utf8");
    // Whatever name the headers say, it is this machine's certificate.
    const options = { ca, agent: false, headers, servername: "localhost" };
    const asked = request(`https://${host()}${path}`, options, (response) => {
      let text = "";
      const end = (): void => resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (!isEnough(text)) return;
        end();
        asked.destroy();
      });
      response.on("end", end).on("error", () => undefined);
    });
    asked.on("error", reject).end();
  });
}

const events = (
  text: string,
): readonly { readonly type: string; readonly certificate?: string; readonly daysLeft?: number }[] =>
  [...text.matchAll(/"event":(\{[^{}]*\})/g)].map(([, event]) => JSON.parse(event!) as { type: string });

describe("the dashboard of a node in TLS", () => {
  it("is served over HTTPS: page, documents and stream, to whoever has the token", async () => {
    const page = await ask("/dashboard/");
    expect([page.status, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    const [, script] = /<script[^>]+src="([^"]+)"/.exec(page.text) ?? [];
    expect((await ask(new URL(script!, `https://${host()}/dashboard/`).pathname)).status).toBe(200);
    expect((await ask(`${data}stream`)).status).toBe(401);
    expect((await ask(`${data}stream`, { authorization: "Bearer wrong" })).status).toBe(401);
    const told = await ask(`${data}stream`, bearer, (text) => text.includes(`"httpUrl":"https://${host()}"`));
    expect(told).toMatchObject({
      status: 200,
      headers: { "content-type": expect.stringMatching(/^text\/event-stream/) },
    });
    expect(told.text).toContain('"liveness":"answers"');
  });

  it.each<[number, string, (own: string) => Readonly<Record<string, string>>]>([
    [200, "no page", () => ({})],
    [200, "its own page", (own) => ({ origin: `https://${own}` })],
    [403, "a page that is not secured", (own) => ({ origin: `http://${own}` })],
    [403, "a page of another port", () => ({ origin: "https://127.0.0.1:1" })],
    [403, "a page of nobody", () => ({ origin: "null" })],
    [403, "a name made to mean this machine", () => ({ host: "evil.example" })],
    [403, "that name's page", () => ({ host: "evil.example", origin: "https://evil.example" })],
    [200, "a name given on purpose", () => ({ host: "shop.example", origin: "https://shop.example" })],
    [403, "another page, by the name given", () => ({ host: "shop.example", origin: "https://evil.example" })],
    [403, "a picture in another page", () => ({ "sec-fetch-site": "cross-site" })],
  ])("answers %i to %s", async (status, _who, headers) => {
    const path = `${data}stream`;
    expect((await ask(path, { ...bearer, ...headers(host()) }, () => true)).status).toBe(status);
  });

  it("is not there without TLS", async () => {
    const failed = await new Promise<Error | undefined>((resolve) => {
      const asked = plainRequest(`http://${host()}/dashboard/`, { agent: false }, () => resolve(undefined));
      asked.on("error", resolve).end();
    });
    expect(failed).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE|HPE_/) });
  });
});

it("a node tells in time that its certificate ends, and that it was renewed: in words, health, metric and events", async () => {
  const metric = async (): Promise<number> => {
    const { text } = await ask("/metrics");
    return Number(/^holdfast_certificate_expiry_timestamp_seconds\{certificate="client"\} (\S+)$/m.exec(text)?.[1]);
  };
  const isTold = (type: string) => (text: string) => events(text).some((event) => event.type === type);
  const soon = await ask(`${data}stream`, bearer, isTold("certificateExpiring"));
  expect(events(soon.text).filter(({ type }) => type === "certificateExpiring")).toMatchObject([
    { certificate: "client", daysLeft: 4 },
  ]);
  expect(node.stderr()).toContain(`--cert-file: ${at("node.crt")} is valid for 4 days more, `);
  expect(await metric()).toBeCloseTo((Date.now() + 4.5 * dayMs) / 1_000, -3);
  await until("it leads", 8_000, async () => (await ask("/readyz")).status === 200);
  const ready = await ask("/readyz?verbose");
  expect(ready.text).toContain(`[+]certificates degraded: --cert-file: ${at("node.crt")} is valid for 4 days more\n`);

  const renewed = makeCertificates(`${where.data}-tls`);
  copyFileSync(renewed.server.key, at("node.key"));
  copyFileSync(renewed.server.cert, at("node.crt"));
  node.child.kill("SIGHUP");
  await until("it is renewed", 8_000, () => node.stderr().includes("clients are shown the certificate as it is now"));
  expect(await metric()).toBeCloseTo((Date.now() + 365 * dayMs) / 1_000, -3);
  expect((await ask("/readyz?verbose")).text).toContain("[+]certificates ok\n");
  const after = await ask(`${data}stream`, bearer, isTold("certificateRenewed"));
  expect(events(after.text).at(-1)).toMatchObject({ type: "certificateRenewed", certificate: "client" });
});
