import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireProgram, startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { etcdctl, normalise } from "./etcdctl.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

type Step = readonly [args: string, input?: string];

const root = "--user=root:secret";
const ann = "--user=ann:pw";

/** The same commands in the same order against both; of the cluster, each asks another member than the one before. */
const story: readonly Step[] = [
  ["auth enable"],
  ["auth disable"],
  ["user list"],
  ["role list"],
  ["user get nobody"],
  ["role get nobody"],
  ["--user=root:secret get a"],
  ["user add root:secret"],
  ["user add root:secret"],
  ["user add certified --no-password"],
  ["user add --interactive=false ann", "pw"],
  ["user add --interactive=false bob:pw"],
  ["role add clerk"],
  ["role add clerk"],
  ["role add reader -w json"],
  ["role grant-permission nobody read a"],
  ["role grant-permission clerk write a"],
  ["role grant-permission clerk readwrite a"],
  ["role grant-permission clerk readwrite --prefix k/"],
  ["role grant-permission clerk read r1 r5"],
  ["role grant-permission reader read --from-key m"],
  ["role grant-permission reader sideways a"],
  ["role get clerk"],
  ["role get clerk -w json"],
  ["role get clerk -w fields"],
  ["role get reader"],
  ["role revoke-permission clerk b"],
  ["role revoke-permission clerk r1"],
  ["role grant-permission clerk read z"],
  ["role revoke-permission clerk z"],
  ["role list"],
  ["user list -w json"],
  ["user grant-role ann clerk"],
  ["user grant-role ann clerk"],
  ["user grant-role ann nothing"],
  ["user grant-role nobody clerk"],
  ["user revoke-role bob clerk"],
  ["user grant-role bob reader"],
  ["user get ann"],
  ["user get ann --detail"],
  ["user get ann -w json"],
  ["put a 0"],
  ["put r2 two"],
  ["put other x"],
  ["lease grant 600 -w fields"],
  ["auth enable"],
  ["get a"],
  ["put a 1"],
  ["del a"],
  ["auth enable"],
  ["auth disable"],
  ["user list"],
  ["watch a"],
  ["member add x --peer-urls=http://127.0.0.1:1"],
  ["snapshot save /nowhere/snapshot"],
  ["endpoint health"],
  [`${ann} endpoint health`],
  ["--user=ann:wrong get a"],
  ["--user=nobody:pw get a"],
  [`${ann} get a`],
  [`${ann} get a -w json`],
  [`${ann} get other`],
  [`${ann} get --prefix r`],
  [`${ann} get r1 r5`],
  [`${ann} get r1 r6`],
  [`${ann} get --from-key a`],
  [`${ann} get a --consistency=s`],
  [`${ann} put a 2`],
  [`${ann} put a 3 --prev-kv`],
  [`${ann} put r2 no`],
  [`${ann} put k/1 one`],
  [`${ann} put k/2 two`],
  [`${ann} del k/2`],
  [`${ann} del --prefix k`],
  [`${ann} del --prefix k/ --prev-kv`],
  [`${ann} txn`, 'value("a") = "3"\n\nput a 4\nget r2\n\nput k/1 no\n\n'],
  [`${ann} txn`, 'value("other") = "x"\n\nput a 5\n\n\n\n'],
  [`${ann} txn`, 'value("a") = "4"\n\nput a 5\n\nput other no\n\n'],
  [`${ann} txn`, "\nget other\n\n\n"],
  [`${ann} user list`],
  [`${ann} user get ann`],
  [`${ann} user get root`],
  [`${ann} role get clerk`],
  [`${ann} role get reader`],
  [`${ann} role list`],
  [`${ann} user add eve:pw`],
  [`${ann} user passwd ann --interactive=false`, "mine\n"],
  [`${ann} member add x --peer-urls=http://127.0.0.1:1`],
  [`${ann} endpoint hashkv`],
  [`${ann} auth disable`],
  ["--user=bob:pw get --from-key m"],
  ["--user=bob:pw get --prefix l"],
  ["--user=bob:pw put r2 x"],
  [`${root} get --prefix k`],
  [`${root} put anything x`],
  [`${root} get other`],
  [`${root} compaction 3`],
  [`${root} user passwd ann --interactive=false`, "new\n"],
  [`${ann} get a`],
  ["--user=ann:new get a"],
  [`${root} role grant-permission reader write w`],
  ["--user=bob:pw put w 1"],
  [`${root} role revoke-permission reader w`],
  ["--user=bob:pw put w 2"],
  [`${root} user revoke-role ann clerk`],
  ["--user=ann:new get a"],
  [`${root} role delete reader`],
  [`${root} user get bob`],
  ["--user=bob:pw get r2"],
  [`${root} user delete bob`],
  ["--user=bob:pw get r2"],
  [`${root} user delete nobody`],
  [`${root} user delete root`],
  [`${root} role delete root`],
  [`${root} user revoke-role root root`],
  [`${root} user list`],
  [`${root} role list`],
  [`${root} auth disable`],
  ["get other"],
  ["user delete root"],
  ["user list"],
  [`${root} get other`],
];

/** Ids of leases differ. */
const normal = (text: string): string => normalise(text).replace(/"ID" : \d+/g, '"ID" : *');

describe("etcdctl with users prints the same as against etcd", () => {
  it.each(story.map(([args, input = ""], at) => [at, args, input] as const))("%i: %s", async (_, args, input) => {
    const words = args.split(" ");
    const member = holdfast.next();
    // What reads a member's own state is promised no more than that.
    if (args.includes("--consistency=s")) await etcdctl(member, [root, "get", "a"]);
    const [ours, theirs] = await Promise.all([etcdctl(member, words, input), etcdctl(etcd, words, input)]);
    expect(normal(ours.stdout)).toBe(normal(theirs.stdout));
    expect(normal(ours.error)).toBe(normal(theirs.error));
    expect(ours.exitCode).toBe(theirs.exitCode);
  });
});
