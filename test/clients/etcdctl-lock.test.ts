import { spawn, type ChildProcess } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { requireProgram, startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { etcdctl } from "./etcdctl.ts";
import { GrpcClient } from "./grpc-client.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

const running = new Set<Running>();

afterEach(() => {
  for (const one of running) one.child.kill("SIGKILL");
  running.clear();
});

/** An etcdctl that goes on until it is told to stop. */
class Running {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  #stdout = "";
  #wake = Promise.withResolvers<void>();

  constructor(endpoint: Endpoint, ...args: readonly string[]) {
    this.child = spawn("etcdctl", [`--endpoints=${endpoint.client}`, ...args], {
      env: { ...process.env, ETCDCTL_API: "3" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
    this.exit = new Promise((resolve) => this.child.once("close", resolve));
    running.add(this);
  }

  get lines(): readonly string[] {
    return this.#stdout.split("\n").slice(0, -1);
  }

  /** Until it has printed so many lines. */
  async untilLines(count: number): Promise<readonly string[]> {
    while (this.lines.length < count) await this.#wake.promise;
    return this.lines;
  }
}

/** Until so many keys begin so. */
async function untilKeys(prefix: string, count: number): Promise<readonly string[]> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    const { stdout } = await etcdctl(holdfast.next(), ["get", "--prefix", "--keys-only", prefix]);
    const keys = stdout.split("\n").filter((line) => line !== "");
    if (keys.length === count) return keys;
    if (performance.now() > giveUpAt) throw new Error(`${keys.length} keys of ${prefix} instead of ${count}`);
  }
}

describe("etcdctl lock", () => {
  it.each(["lock l true", "lock l echo held", "lock l false", "lock l no-such-program", "lock", "lock l sh -c exit"])(
    "%s does the same as with etcd",
    async (line) => {
      const args = line.split(" ");
      const [ours, theirs] = await Promise.all([etcdctl(holdfast.next(), args), etcdctl(etcd, args)]);
      expect(ours).toEqual(theirs);
      expect((await etcdctl(holdfast.next(), ["get", "--prefix", "l/"])).stdout).toBe("");
    },
  );

  it("takes turns with others of its kind, and with the clients of the lock service", async () => {
    const first = new Running(holdfast.members[0]!, "lock", "turns");
    const [firstKey] = await first.untilLines(1);
    expect(firstKey).toMatch(/^turns\/[0-9a-f]+$/);
    const client = new GrpcClient(holdfast.members[1]!);
    const second = client.start("Lock", { name: Buffer.from("turns").toString("base64") });
    await untilKeys("turns/", 2);
    const third = new Running(holdfast.members[2]!, "lock", "turns");
    await untilKeys("turns/", 3);
    expect(third.lines).toEqual([]);
    first.child.kill("SIGINT");
    const { key } = await second.outcome;
    expect(await untilKeys("turns/", 2)).toContain(Buffer.from(key as string, "base64").toString());
    expect(third.lines).toEqual([]);
    await client.call("Unlock", { key });
    const [thirdKey] = await third.untilLines(1);
    expect(await untilKeys("turns/", 1)).toEqual([thirdKey]);
    third.child.kill("SIGTERM");
    await third.exit;
    await untilKeys("turns/", 0);
    client.close();
  });

  it("is passed on when its holder is killed", async () => {
    const first = new Running(holdfast.members[0]!, "lock", "--ttl=2", "killed");
    await first.untilLines(1);
    const second = new Running(holdfast.members[1]!, "lock", "--ttl=2", "killed");
    await untilKeys("killed/", 2);
    first.child.kill("SIGKILL");
    await first.exit;
    const [key] = await second.untilLines(1);
    expect(await untilKeys("killed/", 1)).toEqual([key]);
  });
});

describe("etcdctl elect", () => {
  it("has one leader after the other, whom others hear of", async () => {
    const listener = new Running(holdfast.members[2]!, "elect", "-l", "e");
    const one = new Running(holdfast.members[0]!, "elect", "e", "one");
    const [key, value] = await one.untilLines(2);
    expect([key, value]).toEqual([expect.stringMatching(/^e\/[0-9a-f]+$/), "one"]);
    const two = new Running(holdfast.members[1]!, "elect", "e", "two");
    await untilKeys("e/", 2);
    expect(two.lines).toEqual([]);
    expect(await listener.untilLines(2)).toEqual([key, "one"]);
    one.child.kill("SIGINT");
    const [next] = await two.untilLines(2);
    expect(await listener.untilLines(4)).toEqual([key, "one", next, "two"]);
    const client = new GrpcClient(holdfast.next());
    const name = Buffer.from("e").toString("base64");
    const { kv } = (await client.call("Leader", { name })) as { readonly kv: { readonly key: string } };
    expect(Buffer.from(kv.key, "base64").toString()).toBe(next);
    client.close();
  });
});
