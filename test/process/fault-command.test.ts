import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRedis, type RealServer } from "../clients/real-servers.ts";
import { run, start, temporaryDirectory, type CommandResult, type RunningCommand } from "./holdfast-command.ts";

interface Ready {
  readonly name: string;
  readonly listen: string;
  readonly api: string;
}

interface Started extends Ready {
  readonly command: RunningCommand;
}

const directory = temporaryDirectory();
const running: RunningCommand[] = [];
let redis: RealServer;
let proxy: Started;

async function startProxy(...line: readonly string[]): Promise<Started> {
  const command = start(["proxy", "--api", "127.0.0.1:0", "--json", ...line]);
  running.push(command);
  return { ...(JSON.parse(await command.firstLine()) as Ready), command };
}

function fault(at: Ready, ...line: readonly string[]): Promise<CommandResult> {
  return run(["fault", ...line], { HOLDFAST_FAULTS_API: at.api });
}

/** As programs ask, without the command. */
async function ask(at: Ready, path: string, body: object, token?: string): Promise<unknown> {
  const response = await fetch(`${at.api}/holdfast/v1/faults${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** PING over a connection of its own: the answer or the error's code, and how long it took. */
function ping(address: string): Promise<{ readonly answer: string; readonly ms: number }> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const socket = connect(Number(address.split(":")[1]), "127.0.0.1");
    const finish = (answer: string): void => {
      socket.destroy();
      resolve({ answer, ms: performance.now() - startedAt });
    };
    socket.on("data", (bytes: Buffer) => finish(bytes.toString().trim()));
    socket.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? ""));
    socket.setTimeout(400, () => finish("silence"));
    socket.write("PING\r\n");
  });
}

beforeAll(async () => {
  redis = await startRedis();
  const upstream = `127.0.0.1:${redis.port}`;
  proxy = await startProxy("--upstream", upstream, "--name", "redis", "--max-duration-ms", "60000");
});

afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ done }) => done));
  await redis?.close();
  directory.remove();
});

describe("a proxy in front of redis-server, disturbed by commands", () => {
  it("is slow while it should be, by Toxiproxy's name too, and is healed by one command", async () => {
    expect((await ping(proxy.listen)).answer).toBe("+PONG");
    const added = await fault(proxy, "add", "redis", "latency", "--set", "latency=150,stream=downstream", "--json");
    expect([added.code, JSON.parse(added.stdout)]).toMatchObject([
      0,
      { id: "delay-1", kind: "delay", parameters: { delayMs: 150, direction: "down" }, durationMs: 60_000 },
    ]);
    const slow = await ping(proxy.listen);
    expect([slow.answer, slow.ms > 148]).toEqual(["+PONG", true]);
    const [refused, listed] = await Promise.all([
      fault(proxy, "add", "redis", "down", "--duration-ms", "60001"),
      fault(proxy, "list", "--json"),
    ]);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining("fault.durationMs must be a number >= 1 and <= 60000 (got 60001)"),
    ]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ faults: [{ id: "delay-1", state: "active", struck: 1 }] });
    const healed = await fault(proxy, "heal", "--json");
    expect([healed.code, JSON.parse(healed.stdout)]).toMatchObject([
      0,
      { removed: [{ id: "delay-1", reason: "healed", struck: 1 }], stuck: [] },
    ]);
    expect((await ping(proxy.listen)).ms).toBeLessThan(140);
  });

  it("refuses connections for a while, and then not", async () => {
    const added = await fault(proxy, "add", "redis", "down", "--id", "outage");
    expect(added.stdout).toBe("outage strikes redis for 60000 ms\n");
    expect((await ping(proxy.listen)).answer).toBe("ECONNREFUSED");
    const removed = await fault(proxy, "remove", "outage");
    expect(removed.stdout).toMatch(/^outage is gone; it struck \d+ times\n$/);
    expect((await ping(proxy.listen)).answer).toBe("+PONG");
  });

  it("says what is wrong with a line", async () => {
    const results = await Promise.all([
      fault(proxy, "add", "redis", "corrupt", "--set", "share=1"),
      fault({ ...proxy, api: "http://127.0.0.1:1" }, "list"),
      run(["proxy", "--upstream", "127.0.0.1:1", "--api", "0.0.0.0:0", "--allow-remote"]),
    ]);
    expect(results.map(({ code, stderr }) => [code, stderr.split("\n")[0]])).toEqual([
      [1, 'holdfast: "redis" has not agreed to faults of kind "corrupt"'],
      [3, "holdfast: nobody answers at http://127.0.0.1:1 (ECONNREFUSED)"],
      [2, "holdfast: --api 0.0.0.0:0 is reached by other machines and needs a token: --token TEXT"],
    ]);
  });
});

describe("an injector that is killed", () => {
  it("leaves nothing behind: the service answers, and the next one takes back what the journal has", async () => {
    const journal = join(directory.path, "journal");
    const file = join(journal, "faults.jsonl");
    const line = ["--upstream", `127.0.0.1:${redis.port}`, "--name", "redis", "--journal", journal];
    const first = await startProxy(...line);
    const clog = { target: "redis", kind: "clog", durationMs: 60_000 };
    expect(await ask(first, "", { ...clog, id: "cut" })).toMatchObject({ state: "active" });
    expect((await ping(first.listen)).answer).toBe("silence");
    expect(readFileSync(file, "utf8")).toContain('"id":"cut"');
    first.command.child.kill("SIGKILL");
    await first.command.done;
    expect((await ping(first.listen)).answer).toBe("ECONNREFUSED");
    expect((await ping(`127.0.0.1:${redis.port}`)).answer).toBe("+PONG");
    expect(readFileSync(file, "utf8")).toContain('"id":"cut"');

    const second = await startProxy(...line);
    expect(second.command.stderr()).toContain("took back 1 fault of a run before");
    expect(readFileSync(file, "utf8")).toBe("");
    expect((await ping(second.listen)).answer).toBe("+PONG");
    await ask(second, "", clog);
    second.command.child.kill("SIGTERM");
    const { code, stderr } = await second.command.done;
    expect([code, stderr]).toEqual([0, expect.stringContaining("redis has stopped; 1 fault taken back")]);
    expect(readFileSync(file, "utf8")).toBe("");
  });
});

it("a proxy for datagrams, with a token", async () => {
  const service = createSocket("udp4");
  service.on("message", (bytes, from) => service.send(bytes, from.port, from.address));
  await new Promise<void>((done) => service.bind(0, "127.0.0.1", done));
  const client = createSocket("udp4");
  try {
    const upstream = `127.0.0.1:${service.address().port}`;
    const udp = await startProxy("--udp", "--upstream", upstream, "--token", "secret");
    const answered = (): Promise<boolean> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), 150);
        client.once("message", () => {
          clearTimeout(timer);
          resolve(true);
        });
        client.send("a", Number(udp.listen.split(":")[1]), "127.0.0.1");
      });
    expect(await answered()).toBe(true);
    const hole = { target: "proxy", kind: "blackHole", durationMs: 60_000 };
    expect(await ask(udp, "", hole)).toMatchObject({ error: { code: "UNAUTHENTICATED" } });
    expect(await answered()).toBe(true);
    expect(await ask(udp, "", hole, "secret")).toMatchObject({ state: "active" });
    expect(await answered()).toBe(false);
    expect((await fault(udp, "heal", "--token", "secret")).stdout).toBe("1 fault taken back\n");
    expect(await answered()).toBe(true);
  } finally {
    service.close();
    client.close();
  }
});
