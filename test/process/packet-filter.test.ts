import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diskFaultJournal, faultRegistry, type FaultRegistry } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { packetFilter } from "../../packages/holdfast/src/adapters/packet-filter/index.ts";
import { dial } from "./fault-proxy-rig.ts";
import { temporaryDirectory, until } from "./holdfast-command.ts";

const { clock, disk } = nodeRuntime();

/** A fault that strikes nobody: why it is refused here, if it is. */
async function whyRefused(): Promise<string | undefined> {
  await using faults = faultRegistry({
    clock,
    targets: [packetFilter({ name: "nobody", peer: { host: "192.0.2.1", port: 9 } })],
  });
  try {
    await faults.inject({ target: "nobody", kind: "partition", durationMs: 5_000 });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const refusal = await whyRefused();

describe("packets to one port, filtered by the kernel", () => {
  if (refusal !== undefined) {
    it(`needs nftables and root, which are not here (${refusal})`, () => {
      expect(refusal).toMatch(/ENOENT|not permitted|not supported|denied/i);
    });
    return;
  }

  const directory = temporaryDirectory();
  const sockets = new Set<Socket>();
  let server: Server;
  let port: number;
  let faults: FaultRegistry;

  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.pipe(socket);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    ({ port } = server.address() as AddressInfo);
    faults = faultRegistry({
      clock,
      targets: [packetFilter({ name: "service", peer: { host: "127.0.0.1", port } })],
    });
  });

  afterAll(async () => {
    await faults?.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
    directory.remove();
  });

  /** Whether a connection comes about within a time. */
  function connects(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      const finish = (isThere: boolean): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(isThere);
      };
      const timer = setTimeout(() => finish(false), withinMs);
      socket.on("connect", () => finish(true));
      socket.on("error", () => finish(false));
    });
  }

  async function strike(
    kind: string,
    parameters: Record<string, number | string> = {},
  ): Promise<() => Promise<number>> {
    const { id } = await faults.inject({ target: "service", kind, parameters, durationMs: 60_000 });
    return async () => (await faults.remove(id)).struck ?? 0;
  }

  it("partition: connecting hangs, a connection falls silent; afterwards it goes on by itself", async () => {
    const client = await dial(port);
    await client.roundTrip();
    const lift = await strike("partition");
    client.socket.write("held");
    expect(await connects(200)).toBe(false);
    expect(client.text).toBe("ping");
    expect(await lift()).toBeGreaterThanOrEqual(2);
    // The kernel sends it again.
    await client.until("what was held", () => client.text === "pingheld");
    expect(await connects(2_000)).toBe(true);
    client.socket.destroy();
  });

  it("loss: some of the packets come to nothing, and are sent again", async () => {
    const all = await strike("loss", { share: 1, direction: "down" });
    expect(await connects(100)).toBe(false);
    expect(await all()).toBeGreaterThanOrEqual(1);
    const client = await dial(port);
    const some = await strike("loss", { share: 0.15, direction: "up" });
    // The kernel draws. It waits twice as long after each loss of the same packet: 25 s after the seventh in a row.
    for (let at = 0; at < 60; at++) await client.roundTrip("ping", 30_000);
    expect(client.text).toBe("ping".repeat(60));
    expect(await some()).toBeGreaterThanOrEqual(1);
    client.socket.destroy();
  });

  it("down: refused; reset: what is open is reset", async () => {
    const up = await strike("down");
    await expect(dial(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(await up()).toBeGreaterThanOrEqual(1);

    const client = await dial(port);
    await client.roundTrip();
    const reset = await strike("reset");
    client.socket.write("x");
    await client.closed;
    expect(client.error).toBe("ECONNRESET");
    expect(await reset()).toBeGreaterThanOrEqual(1);
    expect(await connects(2_000)).toBe(true);
  });

  it("bandwidth: no more than so many bytes in a second pass", async () => {
    const client = await dial(port);
    await client.roundTrip();
    const lift = await strike("bandwidth", { bytesPerSecond: 20_000, direction: "up" });
    client.socket.write(Buffer.alloc(500_000));
    await until("something is dropped", 5_000, () => client.bytes > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(client.bytes).toBeLessThan(400_000);
    expect(await lift()).toBeGreaterThan(0);
    await client.until("all of it", () => client.bytes === 500_004, 10_000);
    client.socket.destroy();
  });

  /** Cuts the port off for a time in a process of its own, which is then killed. */
  async function cutAndDie(journal: string, durationMs: number): Promise<void> {
    const script = join(import.meta.dirname, "packet-filter-injector.ts");
    const line = ["--conditions=source", script, String(port), journal, String(durationMs)];
    const injector = spawn(process.execPath, line, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(injector, "exit");
    await once(injector.stdout, "data");
    injector.kill("SIGKILL");
    await ended;
  }

  it("what a killed injector has left, the next start takes back", async () => {
    const journal = join(directory.path, "journal");
    await cutAndDie(journal, 600_000);
    // The filter is in the kernel.
    expect(await connects(200)).toBe(false);
    const next = faultRegistry({
      clock,
      targets: [packetFilter({ name: "service", peer: { host: "127.0.0.1", port } })],
      journal: await diskFaultJournal({ disk, directory: journal }),
    });
    const { removed, stuck } = await next.recovered;
    expect([removed.map(({ kind, reason }) => [kind, reason]), stuck]).toEqual([[["partition", "recovered"]], []]);
    expect(removed[0]?.struck).toBeGreaterThanOrEqual(1);
    expect(await connects(2_000)).toBe(true);
    await next.close();
  });

  it("without a next start the kernel ends it, soon after its time", async () => {
    const journal = join(directory.path, "nobody");
    await cutAndDie(journal, 500);
    expect(await connects(100)).toBe(false);
    await until("the kernel ends it", 5_000, () => connects(100));
    // Only the empty table is left, and goes with the journal.
    const next = faultRegistry({
      clock,
      targets: [packetFilter({ name: "service", peer: { host: "127.0.0.1", port } })],
      journal: await diskFaultJournal({ disk, directory: journal }),
    });
    expect((await next.recovered).removed).toMatchObject([{ kind: "partition", reason: "recovered" }]);
    await next.close();
  });
});
