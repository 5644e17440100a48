import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { gatherEvents, type GatheredEvents } from "./event-stream-client.ts";
import { clientUrlOf, membersAt, nodeLine, planNodes, startNode, states } from "./gossip-nodes.ts";
import { run, until, type RunningCommand } from "./holdfast-command.ts";
import { cleanUp, undo } from "./lone-node.ts";

afterAll(cleanUp);

async function keygen(): Promise<string> {
  const { code, stdout } = await run(["keygen"]);
  expect(code).toBe(0);
  return stdout.trim();
}

function write(path: string, keys: readonly string[]): void {
  writeFileSync(path, JSON.stringify(keys), { mode: 0o600 });
}

const keyringOption = (path: string): string => `--gossip-keyring=${path}`;

describe("holdfast keygen", () => {
  it("prints another key of 32 bytes each time, or a keyring that holds it", async () => {
    const [first, second] = await Promise.all([keygen(), keygen()]);
    expect(first).not.toBe(second);
    expect(Buffer.from(first, "base64")).toHaveLength(32);
    const { stdout } = await run(["keygen", "--json"]);
    expect(JSON.parse(stdout)).toEqual([expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/)]);
  });
});

describe.concurrent("nodes that seal their gossip", () => {
  it("see those with a key in common, and neither one without nor one with another", async () => {
    const plan = await planNodes(4);
    const paths = [1, 2].map((name) => join(plan.directory, `keyring-${name}.json`)) as [string, string];
    for (const path of paths) write(path, [await keygen()]);
    const [shared, other] = paths;
    const [first, , , last] = await Promise.all([
      startNode([...nodeLine(plan, 0), keyringOption(shared)]),
      startNode([...nodeLine(plan, 1), keyringOption(shared)]),
      startNode([...nodeLine(plan, 2), keyringOption(other)]),
      startNode(nodeLine(plan, 3)),
    ]);
    const seen = (at: number): Promise<string> => membersAt(clientUrlOf(plan, at)).then(states);
    await until("n1 and n2 see each other", 10_000, async () => {
      return (await seen(0)) === "n1 alive,n2 alive" && (await seen(1)) === "n1 alive,n2 alive";
    });
    // Consensus does not depend on gossip: all four agree meanwhile, so the other two run, and still are not seen.
    const written = await run(["put", "a", "b", "--endpoints", clientUrlOf(plan, 3)]);
    expect(written).toMatchObject({ code: 0 });
    expect([await seen(0), await seen(1), await seen(2), await seen(3)]).toEqual([
      "n1 alive,n2 alive",
      "n1 alive,n2 alive",
      "n3 alive",
      "n4 alive",
    ]);
    await until("those with a key are told why", 10_000, () => first.stderr().includes("gossip is dropped: it "));
    await until("the one without is told why", 10_000, () => {
      return last.stderr().includes("gossip is dropped: it comes sealed, and this node has no --gossip-keyring\n");
    });
  });

  it("change the key one after the other, while they run, and never lose sight of each other", async () => {
    const plan = await planNodes(2);
    const paths = [0, 1].map((at) => join(plan.directory, `keyring-${at}.json`));
    const [old, fresh] = await Promise.all([keygen(), keygen()]);
    for (const path of paths) write(path, [old]);
    const nodes = await Promise.all(paths.map((path, at) => startNode([...nodeLine(plan, at), keyringOption(path)])));
    const urls = [0, 1].map((at) => clientUrlOf(plan, at));
    for (const url of urls) {
      await until(`both alive at ${url}`, 10_000, async () => states(await membersAt(url)) === "n1 alive,n2 alive");
    }
    const streams = urls.map((url): GatheredEvents => {
      const stream = gatherEvents(url);
      undo.push(() => stream.close());
      return stream;
    });

    /** Until each has heard the other since now: under the keys that hold now, then. */
    async function hear(step: string): Promise<void> {
      const fromMs = performance.now();
      for (const [at, url] of urls.entries()) {
        await until(`${step}: n${at + 1} hears the other`, 10_000, async () => {
          const asked = performance.now() - fromMs;
          const other = (await membersAt(url))[1 - at];
          return other !== undefined && other.lastHeardMs < asked;
        });
      }
    }

    for (const keys of [[old, fresh], [fresh, old], [fresh]]) {
      for (const [at, node] of nodes.entries()) {
        const told = node.stderr().length;
        write(paths[at]!, keys);
        node.child.kill("SIGHUP");
        await until("the keys are read", 5_000, () => node.stderr().length > told);
        expect(node.stderr().slice(told)).toMatch(
          keys.length === 2 ? /, and opened with \w{8} too\n$/ : /key \w{8}\n$/,
        );
        await hear(`${keys.length} keys on n${at + 1}`);
      }
    }
    // A suspicion may be that of a slow machine, and is over when the other is heard.
    const grave = streams.flatMap(({ events }) => events.filter(({ type }) => /Failed|Left|Returned/.test(type)));
    expect(grave).toEqual([]);
    expect(streams.map(({ words, ended }) => [words.has("hello"), ended])).toEqual([
      [true, false],
      [true, false],
    ]);

    await keepsKeys(nodes[0]!, paths[0]!);
    await hear("after a keyring that is none");
    nodes[0]!.child.kill("SIGTERM");
    expect((await nodes[0]!.done).code).toBe(0);
  });

  it("lose sight of one whose only key is another: a change without steps in between shows", async () => {
    const plan = await planNodes(2);
    const paths = [0, 1].map((at) => join(plan.directory, `keyring-${at}.json`));
    const old = await keygen();
    for (const path of paths) write(path, [old]);
    const [first] = await Promise.all(paths.map((path, at) => startNode([...nodeLine(plan, at), keyringOption(path)])));
    const url = clientUrlOf(plan, 1);
    await until("both alive", 10_000, async () => states(await membersAt(url)) === "n1 alive,n2 alive");
    write(paths[0]!, [await keygen()]);
    first!.child.kill("SIGHUP");
    await until("n1 is dead to n2", 20_000, async () => states(await membersAt(url)) === "n1 dead,n2 alive");
  });
});

/** A keyring that is none changes nothing, and is told. */
async function keepsKeys(node: RunningCommand, path: string): Promise<void> {
  const told = node.stderr().length;
  writeFileSync(path, "[");
  node.child.kill("SIGHUP");
  await until("it is refused", 5_000, () => node.stderr().length > told);
  expect(node.stderr().slice(told)).toBe(
    `the keys stay as they are: the keyring ${path} is not JSON; it is a JSON array of keys as \`holdfast keygen\` prints them\n`,
  );
}

describe("holdfast node --gossip-keyring", () => {
  it("is refused before anything starts when the file is no keyring, or is not there", async () => {
    const plan = await planNodes(1);
    const path = join(plan.directory, "keyring.json");
    const line = [...nodeLine(plan, 0), keyringOption(path)];
    const missing = await run(line);
    expect([missing.code, missing.stdout]).toEqual([3, ""]);
    expect(missing.stderr).toContain(`the keyring ${path} cannot be read (ENOENT)`);
    write(path, ["c2hvcnQ="]);
    const malformed = await run(line);
    expect([malformed.code, malformed.stdout]).toEqual([2, ""]);
    expect(malformed.stderr).toContain(`the keyring ${path} must hold base64 of 32 bytes at [0]`);
  });
});
