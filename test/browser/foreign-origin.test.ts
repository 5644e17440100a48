import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createMemoryMember } from "holdfast/coordination";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { serveMember, type Served } from "../../packages/server/src/serve.ts";
import { launchChromium, openPage } from "./chromium.ts";

const any = { host: "127.0.0.1", port: 0 };
const member = createMemoryMember();
let browser: Browser;
let served: Served;

beforeAll(async () => {
  browser = await launchChromium();
  served = await serveMember({ member, client: any, http: any, dashboard: {} });
});

afterAll(async () => {
  await browser.close();
  await served.close();
});

/** Another page on this machine, as any program may serve one. */
async function foreignPage(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>elsewhere</title><body>");
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

it("a page of another origin writes no key, reads nothing, takes up no stream, and shows nothing in a frame", async () => {
  const http = `http://127.0.0.1:${served.httpAddress!.port}`;
  const client = `http://127.0.0.1:${served.clientAddress.port}`;
  const elsewhere = await foreignPage();
  const foreign = await openPage(browser, elsewhere.url);
  const outcome = await foreign.page.evaluate(`(async () => {
    const data = "${http}/holdfast/v1/dashboard/";
    const put = JSON.stringify({ key: "ZXZpbA==", value: "MQ==" });
    const outcome = {};
    const tried = async (name, work) => {
      try { outcome[name] = String(await work()); } catch (error) { outcome[name] = error.name; }
    };
    for (const at of ["${http}", "${client}"]) {
      await tried("no-cors put", async () => (await fetch(at + "/v3/kv/put", { method: "POST", mode: "no-cors", body: put })).type);
      await tried("json put", () => fetch(at + "/v3/kv/put", { method: "POST", headers: { "content-type": "application/json" }, body: put }));
      const form = Object.assign(document.createElement("form"), { method: "POST", enctype: "text/plain", target: "sink", action: at + "/v3/kv/put" });
      form.append(Object.assign(document.createElement("input"), { name: '{"key":"ZXZpbA==","value":"MQ==","a":"', value: '"}' }));
      document.body.append(Object.assign(document.createElement("iframe"), { name: "sink" }), form);
      form.submit();
    }
    await tried("heal", () => fetch(data + "heal", { method: "POST", mode: "no-cors" }));
    await tried("services", async () => (await fetch(data + "services")).text());
    await tried("status", async () => (await fetch("${http}/holdfast/v1/status")).text());
    await tried("event source", () => new Promise((resolve, reject) => {
      const source = new EventSource(data + "stream");
      source.onmessage = () => resolve("heard");
      source.onerror = () => { source.close(); reject(new TypeError()); };
    }));
    for (let at = 0; at < 70; at++) document.body.append(Object.assign(new Image(), { src: "http://127.0.0." + (1 + at % 20) + ":${served.httpAddress!.port}/holdfast/v1/dashboard/stream?" + at }));
    const frame = Object.assign(document.createElement("iframe"), { src: "${http}/dashboard/" });
    const loaded = new Promise((resolve) => (frame.onload = resolve));
    document.body.append(frame);
    await loaded;
    outcome.frame = String(frame.contentDocument === null);
    const script = Object.assign(document.createElement("script"), { src: data + "services" });
    await tried("script", () => new Promise((resolve, reject) => {
      script.onload = () => resolve("loaded");
      script.onerror = () => reject(new TypeError());
      document.body.append(script);
    }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    return outcome;
  })()`);
  expect(outcome).toEqual({
    "no-cors put": "opaque",
    "json put": "TypeError",
    heal: "TypeError",
    services: "TypeError",
    status: "TypeError",
    "event source": "TypeError",
    frame: "true",
    script: "TypeError",
  });
  const { pairs } = await member.range({ key: new Uint8Array([0]), rangeEnd: new Uint8Array([0]) });
  expect(pairs).toEqual([]);
  expect(foreign.page.frames().map((frame) => frame.url())).toContain("chrome-error://chromewebdata/");
  // All that was tried leaves room for the page itself.
  const { page, troubles, close } = await openPage(browser, `${http}/dashboard/`);
  await page.locator('.pill[data-state="live"]').waitFor();
  expect(troubles).toEqual([]);
  await close();
  await foreign.close();
  elsewhere.close();
});
