import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { GrpcClient, type Message } from "./grpc-client.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;
const clients: GrpcClient[] = [];

beforeAll(async () => {
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  for (const client of clients) client.close();
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

function connect(endpoint: Endpoint): GrpcClient {
  const client = new GrpcClient(endpoint);
  clients.push(client);
  return client;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Without what differs between any two clusters. */
function plain(answer: Message): Message {
  const { header, ...others } = answer;
  if (header === undefined) return others;
  const { revision } = header as { readonly revision: string };
  return { ...others, revision };
}

const first = { name: base64("e"), key: base64("e/20"), rev: 9, lease: 32 };

/** The same requests for both, one after the other, in a store that nobody else uses. */
const story: readonly (readonly [method: string, request: object])[] = [
  ["LeaseGrant", { TTL: 100, ID: 17 }],
  ["LeaseGrant", { TTL: 100, ID: 18 }],
  ["LeaseGrant", { TTL: 100, ID: 32 }],
  ["Lock", { name: base64("l"), lease: 17 }],
  ["Lock", { name: base64("l"), lease: 17 }],
  ["Lock", { name: base64("l"), lease: 99 }],
  ["Unlock", { key: base64("l/11") }],
  ["Unlock", { key: base64("l/11") }],
  ["Unlock", { key: base64("no/lock") }],
  ["Unlock", {}],
  ["Lock", { name: base64("l"), lease: 18 }],
  ["LeaseRevoke", { ID: 18 }],
  ["Lock", { lease: 17 }],
  ["Lock", { name: base64("other"), lease: 17 }],
  ["Unlock", { key: base64("other/11") }],
  ["Leader", { name: base64("e") }],
  ["Campaign", { name: base64("e"), lease: 32, value: base64("one") }],
  ["Campaign", { name: base64("e"), lease: 32, value: base64("one") }],
  ["Campaign", { name: base64("e"), lease: 32, value: base64("two") }],
  ["Leader", { name: base64("e") }],
  ["Proclaim", { leader: first, value: base64("three") }],
  ["Leader", { name: base64("e") }],
  ["Proclaim", { leader: { ...first, rev: 1 }, value: base64("four") }],
  ["Proclaim", { value: base64("four") }],
  ["Resign", {}],
  ["Resign", { leader: { ...first, rev: 1 } }],
  ["Resign", { leader: first }],
  ["Resign", { leader: first }],
  ["Proclaim", { leader: first, value: base64("four") }],
  ["Leader", { name: base64("e") }],
  ["Campaign", { name: base64("e"), lease: 99, value: base64("one") }],
];

describe("the lock and election services", () => {
  it("answer as etcd's do", async () => {
    const [ours, theirs] = [connect(holdfast.follower), connect(etcd)];
    const rows: Record<"ours" | "theirs", unknown[]> = { ours: [], theirs: [] };
    for (const [method, request] of story) {
      const [got, expected] = await Promise.all([ours.call(method, request), theirs.call(method, request)]);
      rows.ours.push([method, request, plain(got)]);
      rows.theirs.push([method, request, plain(expected)]);
    }
    expect(rows.ours).toEqual(rows.theirs);
  });

  it("let those who wait take their turns, over all members", async () => {
    const [one, two, three] = holdfast.members.map(connect) as [GrpcClient, GrpcClient, GrpcClient];
    const name = base64("turns");
    const lock = await one.call("Lock", { name });
    const order: string[] = [];
    const waiting = (client: GrpcClient, tag: string) => {
      const call = client.start("Lock", { name });
      const done = call.outcome.then((answer) => {
        order.push(tag);
        return answer;
      });
      return { ...call, done };
    };
    const second = waiting(two, "second");
    await untilWaiting(name, 2);
    const gone = waiting(three, "gone");
    await untilWaiting(name, 3);
    const third = waiting(three, "third");
    await untilWaiting(name, 4);
    gone.cancel();
    expect(await gone.done).toMatchObject({ code: 1 });
    await untilWaiting(name, 3);
    expect(order).toEqual(["gone"]);
    await two.call("Unlock", { key: lock["key"] });
    await one.call("Unlock", { key: (await second.done)["key"] });
    await one.call("Unlock", { key: (await third.done)["key"] });
    expect(order).toEqual(["gone", "second", "third"]);
    await untilWaiting(name, 0);
  });

  it("give a lock to nobody whose lease has ended while waiting, unlike etcd 3.4", async () => {
    const client = connect(holdfast.leader);
    const [name, lease] = [base64("lost"), 4711];
    await client.call("LeaseGrant", { TTL: 60, ID: lease });
    const lock = await client.call("Lock", { name });
    const waiting = client.start("Lock", { name, lease });
    await untilWaiting(name, 2);
    await client.call("LeaseRevoke", { ID: lease });
    await client.call("Unlock", { key: lock["key"] });
    expect(await waiting.outcome).toEqual({ code: 2, details: "mutex: session is expired" });
  });

  it("tell every leader to those who observe", async () => {
    const [one, two] = holdfast.members.map(connect) as [GrpcClient, GrpcClient];
    const name = base64("seen");
    const observed = two.observe("seen");
    const said = async (): Promise<string> => {
      const { kv } = (await observed.next()).value as { readonly kv: { readonly value: string } };
      return Buffer.from(kv.value, "base64").toString();
    };
    const next = said();
    const { leader } = await one.call("Campaign", { name, value: base64("a") });
    expect(await next).toBe("a");
    await one.call("Proclaim", { leader, value: base64("b") });
    expect(await said()).toBe("b");
    const winning = two.start("Campaign", { name, value: base64("c") });
    await untilWaiting(name, 2);
    await one.call("Resign", { leader });
    expect(await said()).toBe("c");
    expect((await winning.outcome)["leader"]).toMatchObject({ name });
    await observed.return();
  });

  it("are in the JSON gateway, too", async () => {
    const [ours, theirs] = [holdfast.next(), etcd];
    const ask = async (endpoint: Endpoint, path: string, body: object): Promise<unknown> => {
      const response = await fetch(`http://${endpoint.client}/v3/${path}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      const { header, leader, kv, ...answer } = (await response.json()) as Record<string, Record<string, unknown>>;
      return [
        response.status,
        response.headers.get("content-type"),
        Object.keys(header ?? {}).toSorted(),
        { ...leader, rev: "*" },
        kv?.["value"],
        answer,
      ];
    };
    const lease = 900;
    await Promise.all([ours, theirs].map((endpoint) => ask(endpoint, "lease/grant", { TTL: 60, ID: lease })));
    for (const [path, body] of [
      ["lock/lock", { name: base64("gw"), lease }],
      ["lock/lock", { name: base64("gw"), lease: 99 }],
      ["lock/unlock", { key: base64("gw/384") }],
      ["lock/unlock", {}],
      ["election/leader", { name: base64("gwe") }],
      ["election/campaign", { name: base64("gwe"), lease, value: base64("x") }],
      ["election/leader", { name: base64("gwe") }],
      ["election/proclaim", { value: base64("x") }],
    ] as const) {
      expect([path, await ask(ours, path, body)]).toEqual([path, await ask(theirs, path, body)]);
    }
    const first = await Promise.all([ours, theirs].map((endpoint) => firstLine(endpoint, "gwe")));
    expect(first[0]).toEqual(first[1]);
  });

  it("end calls that wait when the server stops", async () => {
    const client = connect(holdfast.members[0]!);
    const name = base64("drain");
    await client.call("Lock", { name });
    const waiting = client.start("Lock", { name });
    await untilWaiting(name, 2);
    await holdfast.close();
    expect(await waiting.outcome).toMatchObject({ code: 14 });
  });
});

/** Until so many keys are in the line; they are put one after the other, so that their order is known. */
async function untilWaiting(name: string, count: number): Promise<void> {
  const prefix = `${Buffer.from(name, "base64").toString()}/`;
  const body = { key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`), count_only: true };
  const giveUpAt = performance.now() + 20_000;
  for (;;) {
    const response = await fetch(`http://${holdfast.leader.client}/v3/kv/range`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    const { count: found = "0" } = (await response.json()) as { readonly count?: string };
    if (Number(found) === count) return;
    if (performance.now() > giveUpAt) throw new Error(`${found} keys in the line of ${prefix} instead of ${count}`);
  }
}

async function firstLine({ client }: Endpoint, name: string): Promise<unknown> {
  const controller = new AbortController();
  const response = await fetch(`http://${client}/v3/election/observe`, {
    method: "POST",
    body: JSON.stringify({ name: base64(name) }),
    signal: controller.signal,
  });
  const { value } = await response.body!.getReader().read();
  controller.abort();
  const { result } = JSON.parse(Buffer.from(value).toString()) as {
    readonly result: { readonly kv: Record<string, string> };
  };
  const { key, value: said } = result.kv;
  return { keys: Object.keys(result).toSorted(), key, said };
}
