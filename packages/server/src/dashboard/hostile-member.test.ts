import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { openConnections } from "../client/connections.ts";
import { exchange } from "../client/http-exchange.ts";
import { LiveHub } from "./live-hub.ts";
import { originOf } from "./member-answers.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Answers {
  readonly status?: unknown;
  readonly members?: unknown;
  readonly services?: unknown;
  /** What the stream of events says, raw. */
  readonly events?: string;
}

const member = {
  id: "1",
  name: "n1",
  role: "leader",
  term: 1,
  leader: "1",
  commitIndex: 1,
  appliedIndex: 1,
  revision: 1,
  storeBytes: 1,
  logBytes: 1,
  residentBytes: 1,
};
const own = { id: "1", name: "n1", peerUrls: [], clientUrls: [], httpUrls: [] as string[], isLearner: false };

/** Watches something that listens where a member should, until it has been asked for everything. */
async function watch(answersOf: (origin: string) => Answers): Promise<{ hub: LiveHub; asked: string[] }> {
  const asked: string[] = [];
  let answers: Answers = {};
  const listener: RequestListener = (request, response) => {
    const [, name = ""] = /\/v1\/(?:dashboard\/)?(\w+)/.exec(request.url ?? "") ?? [];
    asked.push(name);
    if (name === "events") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(answers.events ?? "");
      return;
    }
    response.end(JSON.stringify(answers[name as keyof Answers] ?? {}));
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answers = answersOf(origin);
  const connections = openConnections();
  const known = [{ name: "n1", clientUrl: null, httpUrl: origin }];
  const hub = new LiveHub({ servedBy: "up", connections, token: undefined, known: () => known });
  closing.push(
    () => new Promise<void>((resolve) => void server.close(() => resolve())),
    () => server.closeAllConnections(),
    () => connections.close(),
    () => hub.close(),
  );
  hub.watch(() => undefined);
  while (!hub.isReady || !asked.includes("events")) await delay(5);
  return { hub, asked };
}

const statusAt = (origin: string): unknown => ({ clusterId: "c", member, members: [{ ...own, httpUrls: [origin] }] });

const entries = (hub: LiveHub): unknown[] => hub.log.after(0, 100).entries.map(({ json }): unknown => JSON.parse(json));

async function entriesWhen(hub: LiveHub, count: number): Promise<unknown[]> {
  while (hub.log.last < count) await delay(5);
  return entries(hub);
}

const greeting = 'event: hello\ndata: {"nodeId":"n1","run":"abcd"}\n\n';
const event = (seq: unknown, more: object = {}): string =>
  `data: ${JSON.stringify({ type: "quorumLost", nodeId: "n1", at: 1, seq, term: 1, ...more })}\n\n`;

describe("what listens where a member should", () => {
  it.each([
    ["nothing of a status", {}],
    ["null", null],
    ["a member without a name", { clusterId: "c", member: {}, members: [] }],
    ["members that are none", { clusterId: "c", member, members: [null] }],
    ["a member at no address", { clusterId: "c", member, members: [{ ...own, httpUrls: [7] }] }],
    ["a term that is no number", { clusterId: "c", member: { ...member, term: "1" }, members: [own] }],
    ["more members than there can be", { clusterId: "c", member, members: Array.from({ length: 1_001 }, () => own) }],
  ])("and says %s counts as silent", async (_what, status) => {
    const { hub } = await watch(() => ({ status }));
    expect(hub.cluster().members).toMatchObject([{ name: "n1", liveness: "silent" }]);
  });

  it.each([
    ["that are no list", { members: 7 }],
    ["of which one is null", { members: [null] }],
  ])("is believed without members %s", async (_what, members) => {
    const { hub } = await watch((origin) => ({ status: statusAt(origin), members }));
    expect(hub.cluster().members).toMatchObject([{ name: "n1", liveness: "answers" }]);
  });

  it("names addresses that nobody can ask, and is not asked there", async () => {
    const { hub } = await watch((origin) => ({
      status: {
        clusterId: "c",
        member,
        members: [
          { ...own, httpUrls: [origin] },
          { ...own, id: "2", name: "n2", httpUrls: ["unix:/tmp/socket"] },
          { ...own, id: "3", name: "n3", httpUrls: ["ftp://127.0.0.1/"] },
        ],
      },
    }));
    while (hub.cluster().members.length < 3) await delay(5);
    expect(hub.cluster().members.map(({ name }) => name)).toEqual(["n1", "n2", "n3"]);
    const urls = [null, "", "no address", "unix:/tmp/socket", "ftp://127.0.0.1/", "http://a:1/b", "https://a:2"];
    expect(urls.map(originOf)).toEqual([...Array.from({ length: 5 }), "http://a:1", "https://a:2"]);
    const connections = openConnections();
    const sent = { origin: "ftp://127.0.0.1", method: "GET", path: "/", timeoutMs: 100 } as const;
    expect(await exchange(connections, sent)).toMatchObject({ kind: "notSent" });
  });

  it("has reports among others that are none: these alone are left out", async () => {
    const report = { service: "shop", instance: "a", at: 1, startedAt: 0, policies: [], errors: [], omitted: 0 };
    const whole = { ...report, health: null };
    const services = [null, 7, { ageMs: "1", report: whole }, { ageMs: 1, report }, { ageMs: 1, report: whole }];
    const { hub } = await watch((origin) => ({ status: statusAt(origin), services: { version: 1, services } }));
    while (hub.shelf.all().length === 0) await delay(5);
    expect(hub.shelf.all()).toEqual([whole]);
  });

  it("tells events that are none: they count as lost, and those around them are shown", async () => {
    const bad = ["null", "7", '"text"', "[]", '{"type":1}'].map((text) => `data: ${text}\n\n`).join("");
    const far = event(3, { at: 1e300 }) + event(1.5) + event("4");
    const events = greeting + event(1) + bad + far + event(9);
    const { hub } = await watch((origin) => ({ status: statusAt(origin), events }));
    const told = await entriesWhen(hub, 10);
    expect(told.filter((one) => (one as { type?: string }).type === "lost")).toEqual(
      Array.from({ length: 8 }, () => ({ type: "lost", nodeId: "n1", count: 1 })),
    );
    expect(told.flatMap((one) => (one as { id?: string }).id ?? [])).toEqual(["n1:abcd-1", "n1:abcd-9"]);
  });

  it("tells an event that is far too large: it counts as lost", async () => {
    const events = greeting + event(1, { detail: "x".repeat(100_000) }) + event(2);
    const { hub } = await watch((origin) => ({ status: statusAt(origin), events }));
    expect(await entriesWhen(hub, 2)).toMatchObject([{ type: "lost", nodeId: "n1", count: 1 }, { id: "n1:abcd-2" }]);
  });

  it("tells an event that does not end for megabytes: it counts as lost, and what follows is heard", async () => {
    const events = greeting + event(1) + event(2, { detail: "x".repeat(3 * 1024 * 1024) }) + event(3);
    const { hub, asked } = await watch((origin) => ({ status: statusAt(origin), events }));
    expect(await entriesWhen(hub, 3)).toMatchObject([
      { id: "n1:abcd-1" },
      { type: "lost", nodeId: "n1", count: 1 },
      { id: "n1:abcd-3" },
    ]);
    expect(asked.filter((name) => name === "events")).toHaveLength(1);
  });

  it("greets as no member does, and is asked again later", async () => {
    const greetings = ["null", '{"nodeId":"n1","run":"a\\r\\nX-Evil: 1"}', '{"run":"abcd"}'];
    const watched = await Promise.all(
      greetings.map((data) =>
        watch((origin) => ({ status: statusAt(origin), events: `event: hello\ndata: ${data}\n\n${event(1)}` })),
      ),
    );
    for (const { hub, asked } of watched) {
      while (asked.filter((name) => name === "events").length < 2) await delay(5);
      expect(entries(hub)).toEqual([]);
    }
  });

  it("has forgotten some before it was first asked, which whoever comes from elsewhere may have missed", async () => {
    const lost = 'event: lost\ndata: {"from":1,"to":70}\n\n';
    const { hub } = await watch((origin) => ({ status: statusAt(origin), events: greeting + lost + event(71) }));
    expect(await entriesWhen(hub, 1)).toMatchObject([{ id: "n1:abcd-71" }]);
    expect([...hub.forgotten]).toEqual(["n1"]);
  });
});
