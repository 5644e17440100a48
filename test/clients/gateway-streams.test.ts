import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

beforeAll(async () => {
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

/** Without what differs between any two clusters, and between two moments. */
function plain(text: string): string {
  return text
    .replace(/"(cluster_id|member_id|raft_term)":"\d+"/g, '"$1":"*"')
    .replace(/"ID":"\d{16,}"/g, '"ID":"drawn"')
    .replace(/"TTL":"(\d\d+)"/g, (_, left) => `"TTL":"${Math.ceil(Number(left) / 10) * 10}"`);
}

async function post(endpoint: Endpoint, path: string, body: string): Promise<readonly unknown[]> {
  const response = await fetch(`http://${endpoint.client}${path}`, { method: "POST", body });
  return [response.status, response.headers.get("content-type"), plain(await response.text()).trim()];
}

/** The lines of a call that does not end by itself, until there are so many. */
async function lines(endpoint: Endpoint, path: string, body: string, count: number): Promise<string[]> {
  const controller = new AbortController();
  const { signal } = controller;
  const response = await fetch(`http://${endpoint.client}${path}`, { method: "POST", body, signal });
  const timer = setTimeout(() => controller.abort(new Error(`no ${count} lines within 10 s`)), 10_000);
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    if (
      text
        .trimEnd()
        .split("\n")
        .filter((line) => line !== "").length >= count
    )
      break;
  }
  clearTimeout(timer);
  controller.abort();
  return plain(text)
    .split("\n")
    .filter((line) => line !== "");
}

const story: readonly (readonly [path: string, body: string])[] = [
  ["/v3/lease/grant", '{"TTL":100}'],
  ["/v3/lease/grant", '{"TTL":100,"ID":7}'],
  ["/v3/lease/grant", '{"TTL":"1000","ID":"-8"}'],
  ["/v3/lease/grant", '{"TTL":1,"ID":7}'],
  ["/v3/lease/grant", '{"TTL":9000000001}'],
  ["/v3beta/lease/grant", '{"ID":9}'],
  ["/v3/lease/keepalive", '{"ID":7}'],
  ["/v3/lease/keepalive", '{"ID":70}'],
  ["/v3/lease/keepalive", '{"ID":7}{"ID":"-8"} {"ID":1}'],
  ["/v3/lease/keepalive", ""],
  ["/v3/lease/timetolive", '{"ID":7}'],
  ["/v3/lease/timetolive", '{"ID":70}'],
  ["/v3/kv/put", '{"key":"YQ==","lease":7}'],
  ["/v3/kv/lease/timetolive", '{"ID":7,"keys":true}'],
  ["/v3/lease/leases", "{}"],
  ["/v3/kv/lease/leases", ""],
  ["/v3/lease/revoke", '{"ID":7}'],
  ["/v3/kv/lease/revoke", '{"ID":-8}'],
  ["/v3/lease/revoke", '{"ID":7}'],
  ["/v3/lease/revoke", "{}"],
  ["/v3/kv/range", '{"key":"YQ=="}'],
  ["/v3/lease/revoke", '{"ID":9}'],
];

describe("the JSON gateway answers of leases as etcd's does", () => {
  it.each(story)("%s %s", async (path, body) => {
    expect(await post(holdfast.next(), path, body)).toEqual(await post(etcd, path, body));
  });

  it("refuses a keep-alive that is none", async () => {
    const answers = await Promise.all(
      [holdfast.next(), etcd].map((endpoint) => post(endpoint, "/v3/lease/keepalive", '{"ID":"x"}')),
    );
    for (const [status] of answers) expect(status).toBeGreaterThanOrEqual(400);
  });
});

const watches: readonly (readonly [body: string, lines: number])[] = [
  ['{"create_request":{"key":"dw==","start_revision":"1"}}', 2],
  ['{"createRequest":{"key":"dw==","startRevision":2,"prevKv":true,"watchId":"4"}}', 2],
  ['{"create_request":{"range_end":"AA==","start_revision":1,"filters":["NOPUT"]}}', 2],
  ['{"create_request":{"range_end":"AA==","start_revision":1,"filters":[1],"prev_kv":true}}', 2],
  ['{"create_request":{"key":"dw=="}}{"cancel_request":{}}{"progress_request":{}}', 3],
  ['{"create_request":{"key":"dw==","watch_id":5}}{"create_request":{"key":"dw==","watch_id":5}}', 2],
  ['{"create_request":{"key":"eA==","range_end":"dw=="}}', 1],
  ['{"create_request":null}{"create_request":{"key":"dw=="}}', 1],
];

describe("the JSON gateway tells watchers what etcd's tells them", () => {
  beforeAll(async () => {
    for (const [path, body] of [
      ["/v3/kv/put", '{"key":"dw==","value":"MQ=="}'],
      ["/v3/kv/put", '{"key":"dw==","value":"Mg=="}'],
      ["/v3/kv/deleterange", '{"key":"dw=="}'],
      ["/v3/kv/put", '{"key":"dw==","value":"Mw=="}'],
      ["/v3/kv/put", '{"key":"eA=="}'],
      ["/v3/kv/deleterange", '{"key":"eA=="}'],
      ["/v3/kv/put", '{"key":"dw==","value":"NA=="}'],
    ] as const) {
      expect((await post(holdfast.next(), path, body))[0]).toBe(200);
      await post(etcd, path, body);
    }
  });

  it.each(watches)("%s", async (body, count) => {
    // A member that is behind would tell the rest in a line of its own.
    const member = holdfast.next();
    await post(member, "/v3/kv/range", '{"key":"dw=="}');
    const [ours, theirs] = await Promise.all([
      lines(member, "/v3/watch", body, count),
      lines(etcd, "/v3/watch", body, count),
    ]);
    // Of the past, etcd says the present revision, we the one that is told.
    const told = (line: string): string => (line.includes('"events"') ? line.replace(/"revision":"\d+"/, "") : line);
    expect(ours.map(told)).toEqual(theirs.map(told));
  });

  it("tells what comes, as it comes", async () => {
    const body = '{"create_request":{"key":"bGl2ZQ==","prev_kv":true}}';
    const watching = [...holdfast.members, etcd].map(async (endpoint) => {
      const response = await fetch(`http://${endpoint.client}/v3/watch`, { method: "POST", body });
      return response.body!.pipeThrough(new TextDecoderStream()).getReader();
    });
    const readers = await Promise.all(watching);
    const next = async (): Promise<string[]> =>
      Promise.all(readers.map(async (reader) => plain((await reader.read()).value ?? "").trim()));
    for (const line of await next()) expect(line).toMatch(/^{"result":{"header":{.*},"created":true}}$/);
    for (const [path, request] of [
      ["/v3/kv/put", '{"key":"bGl2ZQ==","value":"MQ=="}'],
      ["/v3/kv/put", '{"key":"bGl2ZQ==","value":"Mg=="}'],
      ["/v3/kv/deleterange", '{"key":"bGl2ZQ=="}'],
    ] as const) {
      await Promise.all([post(holdfast.next(), path, request), post(etcd, path, request)]);
      const told = await next();
      const events = told.map((line) => (JSON.parse(line) as { result: { events: readonly unknown[] } }).result.events);
      expect(events[0]).toHaveLength(1);
      expect(JSON.stringify(events[0]).replaceAll(/"\w*revision":"\d+",?/g, "")).toBe(
        JSON.stringify(events[3]).replaceAll(/"\w*revision":"\d+",?/g, ""),
      );
      expect([events[1], events[2]]).toEqual([events[0], events[0]]);
    }
    await Promise.all(readers.map((reader) => reader.cancel()));
  });
});
