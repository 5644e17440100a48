import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { HistoryMessage } from "holdfast/telemetry";
import { afterEach, describe, expect, it } from "vitest";
import { openConnections } from "../client/connections.ts";
import { ClusterHistory } from "./cluster-history.ts";
import { historyDocument } from "./history-answer.ts";
import { historyMessages } from "./history-messages.ts";
import { historyStepMs, historySteps } from "./history-ring.ts";
import { memberRing, type MemberRing } from "./member-history.ts";
import { addToPolicy, maxPolicies, PolicyBook } from "./policy-book.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Peer {
  readonly ring: MemberRing;
  readonly book: PolicyBook;
  readonly origin: string;
  readonly asked: string[];
  /** How far its clock is ahead, in steps. */
  aheadSteps: number;
  isDown: boolean;
}

/** The present step, for everybody. */
const time = { step: 0 };

async function peer(): Promise<Peer> {
  const [ring, book, asked] = [memberRing(), new PolicyBook(), [] as string[]];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const since = Number(/since=(\d+)/.exec(request.url ?? "")?.[1]);
    if (made.isDown) response.writeHead(503).end();
    else response.end(JSON.stringify(historyDocument(time.step + made.aheadSteps, since, ring, book)));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closing.push(() => (server.closeAllConnections(), server.close()));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made: Peer = { ring, book, origin, asked, aheadSteps: 0, isDown: false };
  return made;
}

function clusterOf(peers: Readonly<Record<string, Peer>>): ClusterHistory {
  const connections = openConnections();
  closing.push(() => connections.close());
  return new ClusterHistory({
    origins: () => new Map(Object.entries(peers).map(([name, { origin }]) => [name, origin])),
    connections,
    token: undefined,
    policies: new PolicyBook(),
    wallTime: () => time.step * historyStepMs,
  });
}

function remember({ ring, aheadSteps }: Peer, step: number, commit: number, applied: number): void {
  const place = ring.place(step + aheadSteps)!;
  for (const [at, value] of [commit, applied, 100].entries()) ring.columns[at]![place] = value;
}

const all = (history: ClusterHistory): HistoryMessage[] => [...historyMessages(history, time.step)];
const bank = { service: "shop", kind: "retry", name: "bank" };

describe("the history of a cluster", () => {
  it("is what all members remember at the same moments, with gaps where nobody does", async () => {
    time.step = 1_000;
    const [one, other] = [await peer(), await peer()];
    // Its clock is an hour ahead: its own steps say nothing of anybody else's.
    other.aheadSteps = 720;
    for (let at = 0; at < 8; at++) {
      if (at !== 3 && at !== 4) remember(one, 990 + at, 1_000 * at, 1_000 * at);
      // It fell behind, and was down for longer.
      if (at < 2 || at > 5) remember(other, 990 + at, 900 * at, 900 * at);
    }
    const history = clusterOf({ one, other });
    await history.refresh();
    const [message] = all(history);
    expect(message?.times).toEqual([990, 991, 992, 993, 994, 995, 996, 997].map((step) => step * historyStepMs));
    expect(message?.cluster).toEqual({
      commitsPerSecond: [null, 200, 200, null, null, null, 200, 200],
      lagEntries: [0, 100, 0, null, null, 0, 600, 700],
      residentBytes: [100, 100, 100, null, null, 100, 100, 100],
    });
  });

  it("asks for all of it once and then for what is new, and counts nothing twice", async () => {
    time.step = 1_000;
    const [one, other] = [await peer(), await peer()];
    const report = (from: Peer, step: number, calls: number, p99: number): void =>
      addToPolicy(from.book.find(bank, step)!, step, [calls, calls / 2, 1, 2, p99]);
    for (let step = 990; step < 1_010; step++) {
      report(one, step, 10, 8);
      report(other, step, 5, 30);
    }
    const history = clusterOf({ one, other });
    await Promise.all([history.refresh(), history.refresh()]);
    time.step = 1_003;
    other.isDown = true;
    await history.refresh();
    time.step = 1_005;
    other.isDown = false;
    await history.refresh();
    expect(one.asked.map((url) => url.replace(/.*\?/, ""))).toEqual(["since=0", "since=0", "since=999", "since=1002"]);
    expect(other.asked.at(-1)).toContain("since=999");
    const policy = all(history)[1]?.policies[0];
    expect(policy).toMatchObject(bank);
    expect(policy?.callsPerSecond).toEqual(Array(14).fill(15));
    expect(policy?.failedPerSecond).toEqual(Array(14).fill(7.5));
    expect(policy?.p99).toEqual(Array(14).fill(30));
  });

  it("has the latest ten minutes at every step, and of what is older the greatest of three", async () => {
    time.step = 9_000;
    const one = await peer();
    for (let step = 9_000 - 2 * historySteps; step <= 9_000; step++)
      remember(one, step, step === 8_000 ? 5e6 : 4e6, 4e6);
    const history = clusterOf({ one });
    await history.refresh();
    const { times, cluster } = all(history)[0]!;
    const apart = times.slice(1).map((atMs, at) => (atMs - times[at]!) / historyStepMs);
    expect(new Set(apart.slice(1, -121))).toEqual(new Set([3]));
    expect(new Set(apart.slice(-119))).toEqual(new Set([1]));
    expect(times.at(-1)).toBe(8_998 * historyStepMs);
    expect(times.length).toBeLessThan(565);
    const peak = cluster!.lagEntries.indexOf(1e6);
    expect(times[peak]! / historyStepMs).toBe(8_000 - (8_000 % 3));
  });

  it("comes in messages of a bounded size, however much there is, and forgets who is long gone", async () => {
    time.step = 9_000;
    const one = await peer();
    for (let at = 0; at < maxPolicies; at++) {
      const name = { ...bank, name: `${at}`.padStart(120, "x") };
      const policy = one.book.find(name, 9_000)!;
      for (let step = 9_000 - historySteps; step <= 9_000; step++)
        addToPolicy(policy, step, [1 / 3, 1 / 7, 1e-3 / 9, 1e9 / 7, 1e9]);
    }
    remember(one, 8_990, 1, 1);
    const peers: Record<string, Peer> = { one };
    const history = clusterOf(peers);
    await history.refresh();
    const sizes = all(history).map((message) => JSON.stringify(message).length);
    expect(sizes).toHaveLength(1 + Math.ceil(maxPolicies / 8));
    expect(Math.max(...sizes)).toBeLessThan(350_000);
    delete peers["one"];
    await history.refresh();
    expect(history.members.size).toBe(1);
    time.step += 2 * historySteps;
    await history.refresh();
    expect(history.members.size).toBe(0);
    expect(all(history)).toEqual([]);
  });

  it("is nothing where something else answers, or nobody", async () => {
    const odd = createServer((_request, response) => response.end('{"policies":[[[]]]}'));
    await new Promise<void>((resolve) => void odd.listen(0, "127.0.0.1", resolve));
    closing.push(() => (odd.closeAllConnections(), odd.close()));
    const { port } = odd.address() as AddressInfo;
    const stray = { origin: `http://127.0.0.1:${port}` } as Peer;
    const history = clusterOf({ stray, gone: { origin: "http://127.0.0.1:1" } as Peer });
    await history.refresh();
    expect(all(history)).toEqual([]);
  });
});
