import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireProgram, startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { etcdctl, normalise, type Run } from "./etcdctl.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

/** Runs commands against one system; `$1` in them is the first lease that was granted there, and so in what is printed. */
class Teller {
  readonly #leases: string[] = [];

  async run(endpoint: Endpoint, line: string): Promise<Run> {
    const words = line.split(" ").map((word) => word.replace(/\$(\d)/, (_, number) => this.#leases[number - 1] ?? "0"));
    const run = await etcdctl(endpoint, words);
    const granted = /^lease ([0-9a-f]+) granted with TTL\(\d+s\)$/m.exec(run.stdout)?.[1];
    if (line.startsWith("lease grant") && granted !== undefined) this.#leases.push(granted);
    return { ...run, stdout: this.#hide(run.stdout), error: this.#hide(run.error) };
  }

  /** A second more or less is left when the next command comes. */
  #hide(text: string): string {
    let hidden = normalise(text)
      .replace(/remaining\((\d+)s\)/g, (_, left) => `remaining(${Math.ceil(left / 10) * 10}s)`)
      .replace(/"ttl":(\d+)/g, (_, left) => `"ttl":${Math.ceil(left / 10) * 10}`)
      .replace(/"TTL" : (\d+)/g, (_, left) => `"TTL" : ${Math.ceil(left / 10) * 10}`);
    for (const [at, lease] of this.#leases.entries()) {
      hidden = hidden.replaceAll(lease, `$${at + 1}`).replaceAll(BigInt(`0x${lease}`).toString(), `$${at + 1}`);
    }
    return hidden;
  }
}

const story = [
  "lease list",
  "lease grant 100",
  "lease grant 1000",
  "lease grant 1",
  "lease grant 0",
  "lease grant 9000000001",
  "lease grant x",
  "lease grant",
  "lease keep-alive --once $1",
  "lease keep-alive --once 4d",
  "lease keep-alive --once zz",
  "lease timetolive $1",
  "lease timetolive $1 -w json",
  "lease timetolive $2 --keys",
  "put --lease=$2 on/lease 1",
  "put --lease=$1 on/first 3",
  "get on/lease -w json",
  "lease timetolive $2 --keys",
  "lease timetolive $2 --keys -w json",
  "lease timetolive $2 --keys -w fields",
  "put on/lease 2 --ignore-lease",
  "lease timetolive $2 --keys",
  "put on/lease 3",
  "lease timetolive $2 --keys",
  "lease timetolive 4d",
  "lease timetolive 4d --keys -w json",
  "lease revoke $2",
  "lease revoke $2",
  "get --prefix on/ -w json",
  "lease revoke $1",
  "get --prefix on/",
  "lease revoke 4d",
  "lease revoke 0",
  "put late x --lease=$1",
];

describe("etcdctl prints the same of leases as against etcd", () => {
  const [ours, theirs] = [new Teller(), new Teller()];

  it.each(story)("%s", async (line) => {
    const [got, expected] = await Promise.all([ours.run(holdfast.next(), line), theirs.run(etcd, line)]);
    expect(got).toEqual(expected);
  });

  it("lists leases on every member, the one that ends first first", async () => {
    const granted: string[] = [];
    for (const seconds of [500, 300, 400]) {
      const { stdout } = await etcdctl(holdfast.next(), ["lease", "grant", `${seconds}`]);
      granted.push(/^lease ([0-9a-f]+) granted/.exec(stdout)?.[1] ?? "");
    }
    const [first, second, third] = granted;
    for (const member of holdfast.members) {
      const { stdout, exitCode } = await etcdctl(member, ["lease", "list"]);
      expect(exitCode).toBe(0);
      const lines = stdout.trimEnd().split("\n");
      expect(lines[0]).toBe(`found ${lines.length - 1} leases`);
      expect(lines.filter((line) => granted.includes(line))).toEqual([second, third, first]);
    }
  });
});

describe("a lease that nobody keeps alive", () => {
  it("runs out, and its keys go; one that is kept alive stays", async () => {
    const grant = async (): Promise<string> => {
      const { stdout } = await etcdctl(holdfast.next(), ["lease", "grant", "2"]);
      return /^lease ([0-9a-f]+) granted with TTL\(2s\)/.exec(stdout)?.[1] ?? "";
    };
    const [kept, left] = [await grant(), await grant()];
    await etcdctl(holdfast.next(), ["put", `--lease=${kept}`, "kept", "1"]);
    await etcdctl(holdfast.next(), ["put", `--lease=${left}`, "left", "1"]);
    const startedAt = performance.now();
    for (let gone = false; !gone;) {
      const alive = await etcdctl(holdfast.next(), ["lease", "keep-alive", "--once", kept]);
      expect(alive.stdout).toBe(`lease ${kept} keepalived with TTL(2)\n`);
      const { stdout } = await etcdctl(holdfast.next(), ["get", "left"]);
      gone = stdout === "";
      if (performance.now() - startedAt > 20_000) throw new Error("the lease lives on after 20 s");
    }
    expect(performance.now() - startedAt).toBeGreaterThan(1000);
    expect((await etcdctl(holdfast.next(), ["get", "kept"])).stdout).toBe("kept\n1\n");
    const { stdout } = await etcdctl(holdfast.next(), ["lease", "timetolive", left]);
    expect(stdout).toBe(`lease ${left} already expired\n`);
  });
});
