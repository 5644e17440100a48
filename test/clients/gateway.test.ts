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

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

async function post(
  endpoint: Endpoint,
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`http://${endpoint.client}${path}`, { method: "POST", headers, body });
  const text = await response.text();
  const type = response.headers.get("content-type");
  return { status: response.status, type, body: text.replace(/"(cluster_id|member_id|raft_term)":"\d+"/g, '"$1":"*"') };
}

/** Answered to the byte as etcd answers, but for ids and term; in order, so that revisions agree; each by the next member. */
const story: readonly (readonly [path: string, body: string])[] = [
  ["/v3/kv/put", '{"key":"Zm9v","value":"YmFy"}'],
  ["/v3beta/kv/put", '{"key":"Zm9v","value":"YmFy"}'],
  ["/v3/kv/range", '{"key":"Zm9v"}'],
  ["/v3/kv/range", ""],
  ["/v3/kv/range", "{}"],
  ["/v3/kv/range", "null"],
  ["/v3/kv/range", '{"key":"Zm9v","bogus":1}'],
  ["/v3/kv/range", '{"key":"Zm\\n9v"}'],
  ["/v3/kv/range", '{"key":null}'],
  ["/v3/kv/range", '{"key":"Zm9v","limit":"1"}'],
  ["/v3/kv/range", '{"key":"Zm9v","limit":null}'],
  ["/v3/kv/range", '{"key":"Zm9v","limit":-1}'],
  ["/v3/kv/range", '{"key":"Zm9v","keys_only":true}'],
  ["/v3/kv/range", '{"key":"Zm9v","keysOnly":true}'],
  ["/v3/kv/range", '{"key":"Zm9v","countOnly":true}'],
  ["/v3/kv/range", '{"key":"Zm9v","keys_only":true,"keysOnly":false}'],
  ["/v3/kv/range", '{"key":"Zm9v","KEYS_ONLY":true}'],
  ["/v3/kv/range", '{"key":"Zm9v","sort_order":"DESCEND","sortTarget":"VALUE"}'],
  ["/v3/kv/range", '{"key":"Zm9v","sort_order":2}'],
  ["/v3/kv/range", '{"key":"Zm9v","revision":100000}'],
  ["/v3/kv/range", '{"key":"Zm9v","revision":-5}'],
  ["/v3/kv/range", '{"key":"AA==","range_end":"AA==","min_mod_revision":"3","max_create_revision":"2"}'],
  ["/v3/kv/put", '{"key":"Zm9v","value":"YmFy","prev_kv":true}'],
  ["/v3/kv/put", '{"value":"YmFy"}'],
  ["/v3/kv/put", '{"key":"Zm9v","value":"YmFy","ignore_value":true}'],
  ["/v3/kv/put", '{"key":"bm9uZQ==","ignore_value":true}'],
  ["/v3/kv/put", '{"key":"Zm9v","value":"YmFy","ignore_lease":true,"lease":5}'],
  ["/v3/kv/put", '{"key":"Zm9v","ignore_lease":true}'],
  ["/v3/kv/put", '{"key":"Zm9v","lease":77}'],
  ["/v3/kv/put", '{"key":"Zm9v","lease":"-1"}'],
  ["/v3/kv/put", '{"key":"Zm9v","lease":7587868094213300993}'],
  ["/v3/kv/deleterange", "{}"],
  ["/v3/kv/deleterange", '{"key":"bm9uZQ=="}'],
  ["/v3/kv/deleterange", '{"key":"Zm9v","prev_kv":true}'],
  ["/v3/kv/txn", "{}"],
  ["/v3/kv/txn", '{"success":[{"request_put":{"key":"YQ=="}},{"request_put":{"key":"YQ=="}}]}'],
  [
    "/v3/kv/txn",
    '{"success":[{"requestRange":{"key":"YQ=="}},{"requestPut":{"key":"YQ==","value":"MQ=="}},{"requestRange":{"key":"YQ=="}},' +
      '{"request_delete_range":{"key":"Yg=="}},{"request_txn":{"success":[{"request_put":{"key":"Yw=="}}]}}]}',
  ],
  ["/v3/kv/txn", '{"success":[{"requestRange":{"key":"YQ=="}},{"request_delete_range":{"key":"Yw=="}}]}'],
  ["/v3/kv/txn", '{"success":[{"requestRange":{"key":"YQ=="}},{"request_delete_range":{"key":"Yw=="}}]}'],
  ["/v3/kv/txn", '{"compare":[{"key":"YQ==","target":"VALUE","value":"MQ=="}],"failure":[{}]}'],
  ["/v3/kv/txn", '{"compare":[{"target":"VALUE","value":"MQ=="}]}'],
  ["/v3/kv/txn", '{"compare":[{"key":"YQ==","target":"VALUE"}]}'],
  ["/v3/kv/txn", '{"compare":[{"key":"YQ==","target":"VERSION","version":1}]}'],
  ["/v3/kv/txn", '{"compare":[{"key":"YQ==","target":"VERSION","version":"1","result":"GREATER"}]}'],
  ["/v3/kv/txn", '{"compare":[{"key":"YQ==","target":"MOD","mod_revision":"1","result":"NOT_EQUAL"}]}'],
  ["/v3/kv/txn", '{"compare":[{"key":"AA==","range_end":"AA==","target":"CREATE","result":2,"create_revision":"9"}]}'],
  ["/v3/kv/txn", '{"compare":[{"key":"YQ==","target":"LEASE","lease":"0"}]}'],
  ["/v3/kv/txn", '{"success":[{"request_range":{}}]}'],
  ["/v3/kv/txn", '{"success":null}'],
  ["/v3/kv/txn", '{"success":[{"request_range":null}]}'],
  ["/v3/kv/txn", '{"success":[{"request_range":{"key":"YQ==","revision":"1000000"}}]}'],
  ["/v3/kv/txn", '{"success":[{"request_put":{"key":"YQ==","lease":"99"}}]}'],
  ["/v3/kv/txn", `{"success":[${'{"request_range":{"key":"YQ=="}},'.repeat(128)}{"request_range":{"key":"YQ=="}}]}`],
  ["/v3/kv/put", `{"key":"Zm9v","value":"${"eHh4".repeat(524_288)}"}`],
  ["/v3/kv/compaction", '{"revision":"3"}'],
  ["/v3/kv/compaction", '{"revision":"3"}'],
  ["/v3/kv/compaction", '{"revision":"99999","physical":true}'],
  ["/v3/kv/compaction", "{}"],
  ["/v3/kv/range", '{"key":"Zm9v","revision":2}'],
  ["/v3/maintenance/alarm", "{}"],
  ["/v3/maintenance/alarm", '{"action":"GET","alarm":"NOSPACE"}'],
  ["/v3/maintenance/alarm", '{"action":"DEACTIVATE","memberID":"7","alarm":"NOSPACE"}'],
  ["/v3/maintenance/alarm", '{"action":"ACTIVATE","memberID":"7","alarm":"NOSPACE"}'],
  ["/v3/kv/put", '{"key":"Zm9v","value":"Zm9v"}'],
  ["/v3/maintenance/alarm", '{"action":"DEACTIVATE","memberID":"7","alarm":"NOSPACE"}'],
  ["/v3/kv/put", '{"key":"Zm9v","value":"Zm9v"}'],
  ["/v3/maintenance/defragment", "{}"],
  ["/v3/maintenance/transfer-leadership", "{}"],
  ["/v3/maintenance/transfer-leadership", '{"targetID":"7"}'],
  ["/v3/cluster/member/add", "{}"],
  ["/v3/cluster/member/add", '{"peerURLs":["nonsense"]}'],
  ["/v3/cluster/member/remove", "{}"],
  ["/v3/cluster/member/update", '{"ID":"7"}'],
  ["/v3/cluster/member/update", '{"ID":"7","peerURLs":["http://127.0.0.1:9"]}'],
  ["/v3/cluster/member/promote", '{"ID":"7"}'],
];

describe("the JSON gateway answers as etcd's does", () => {
  it.each(story.map(([path, body]) => [path, body.slice(0, 100), body] as const))("%s %s", async (path, _, body) => {
    expect(await post(holdfast.next(), path, body)).toEqual(await post(etcd, path, body));
  });

  it.each([
    ["/v3/kv/range", '{"key":"Zm9v"'],
    ["/v3/kv/range", "[]"],
    ["/v3/kv/range", '{"key":"Zm9"}'],
    ["/v3/kv/range", '{"key":5}'],
    ["/v3/kv/range", '{"key":"Zm9v","limit":1.5}'],
    ["/v3/kv/range", '{"key":"Zm9v","limit":"x"}'],
    ["/v3/kv/range", '{"key":"Zm9v","keysOnly":1}'],
    ["/v3/kv/range", '{"key":"Zm9v","sort_order":"descend"}'],
    ["/v3/kv/txn", '{"success":{}}'],
    ["/v3/kv/put", `{"key":"Zm9v","value":"${"eHh4".repeat(1_000_000)}"}`],
    ["/v3/nothing", "{}"],
  ])("refuses %s %s with etcd's status in words of its own", async (path, body) => {
    const [ours, theirs] = [await post(holdfast.next(), path, body), await post(etcd, path, body)];
    expect(ours.status).toBe(theirs.status);
    expect(ours.type).toBe(theirs.type);
    if (theirs.type !== "application/json") return;
    expect(JSON.parse(ours.body)).toMatchObject({ code: (JSON.parse(theirs.body) as { code: number }).code });
  });

  // etcd walks a map of the oneof's members, and the last one it happens to meet wins: either answer is its answer.
  it("answers an operation that is two things at once as one of them", async () => {
    const operation = '{"request_put":{"key":"dHdv"},"request_range":{"key":"dHdv"}}';
    const answer = await post(holdfast.next(), "/v3/kv/txn", `{"success":[${operation}]}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatch(/"responses":\[{"response_(put|range)":/);
  });

  it.each(["GET", "PUT", "DELETE"])("refuses %s where only POST is served", async (method) => {
    const ask = (endpoint: Endpoint) => fetch(`http://${endpoint.client}/v3/kv/range`, { method });
    const [ours, theirs] = [await ask(holdfast.next()), await ask(etcd)];
    expect([ours.status, ours.headers.get("content-type")]).toEqual([
      theirs.status,
      theirs.headers.get("content-type"),
    ]);
  });

  it.each(["/health", "/version"])("GET %s", async (path) => {
    const ask = async (endpoint: Endpoint): Promise<readonly unknown[]> => {
      const response = await fetch(`http://${endpoint.client}${path}`);
      return [response.status, response.headers.get("content-type"), await response.text()];
    };
    const theirs = await ask(etcd);
    for (const member of holdfast.members) expect(await ask(member)).toEqual(theirs);
  });

  it("lists members and tells its status in etcd's shape", async () => {
    for (const path of ["/v3/cluster/member/list", "/v3/maintenance/status"]) {
      const keys = (answer: Answer): string[] => Object.keys(JSON.parse(answer.body) as object);
      const theirs = keys(await post(etcd, path, "{}"));
      for (const member of holdfast.members) expect(keys(await post(member, path, "{}"))).toEqual(theirs);
    }
  });
});

describe("what only Holdfast serves", () => {
  it("tells each member's status on both of its ports", async () => {
    for (const [at, member] of holdfast.members.entries()) {
      for (const address of [member.client, member.http]) {
        const response = await fetch(`http://${address}/holdfast/v1/status`);
        const document = (await response.json()) as { member: Record<string, unknown>; members: readonly unknown[] };
        const leads = member === holdfast.leader;
        expect(document.member).toMatchObject({ name: `n${at + 1}`, role: leads ? "leader" : "follower" });
        expect(document.member["id"] === document.member["leader"]).toBe(leads);
        expect(document.member["residentBytes"]).toBeGreaterThan(1e6);
        expect(document.members).toHaveLength(3);
      }
    }
  });

  it("applies a named request once, however often it is sent, and to whom", async () => {
    const document = JSON.stringify({ key: btoa("named"), value: btoa("once") });
    const named = { "holdfast-request": "29/1/0" };
    const answers: Answer[] = [];
    for (const member of holdfast.members) answers.push(await post(member, "/v3/kv/put", document, named));
    expect(answers).toEqual([answers[0], answers[0], answers[0]]);
    const read = await post(holdfast.next(), "/v3/kv/range", JSON.stringify({ key: btoa("named") }));
    expect((JSON.parse(read.body) as { kvs: readonly { version: string }[] }).kvs[0]?.version).toBe("1");
  });
});
