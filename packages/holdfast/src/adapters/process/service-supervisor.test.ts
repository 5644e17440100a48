import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import type { ServiceDefinition } from "./service-definition.ts";
import { createServiceSupervisor, type ServiceSupervisor } from "./service-supervisor.ts";
import type { ServiceEvent } from "./supervised-service.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-services-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A program that all systems have. */
const node = (script: string): string[] => [process.execPath, "-e", script];
const stays = 'setInterval(() => {}, 1000); console.log("up");';
const quick = { restart: { firstDelayMs: 1, maxDelayMs: 10 }, graceMs: 100 } as const;

interface Scene {
  readonly services: ServiceSupervisor;
  readonly events: ServiceEvent[];
  readonly of: <Type extends ServiceEvent["type"]>(type: Type) => Extract<ServiceEvent, { readonly type: Type }>[];
}

function supervise(definition: ServiceDefinition, stateDirectory?: string): Scene {
  const events: ServiceEvent[] = [];
  const services = createServiceSupervisor({
    services: { api: { ...quick, ...definition } },
    ...(stateDirectory === undefined ? {} : { stateDirectory }),
    onEvent: (event) => events.push(event),
  });
  const of = (type: string) => events.filter((event) => event.type === type);
  return { services, events, of: of as Scene["of"] };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}

async function isReady(services: ServiceSupervisor): Promise<boolean> {
  return (await services.status("api")).state === "ready";
}

function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.concurrent("a supervised service", () => {
  it("is started again after a kill, as another life", async () => {
    const { services, of } = supervise({ command: node(stays), ready: { line: "up" } });
    await services.start();
    const first = await services.status("api");
    expect(first).toMatchObject({ state: "ready" });
    const pid = services.pid("api")!;
    process.kill(pid, "SIGKILL");
    await until(async () => of("exited").length > 0 && (await isReady(services)));
    expect(services.exits("api")).toMatchObject([{ pid, exitCode: null, signal: "SIGKILL", asked: false }]);
    expect(of("exited")[0]).toMatchObject({ restartInMs: 1 });
    expect((await services.status("api")).instance).not.toBe(first.instance);
    expect(services.logs("api")).toBe("up\nup\n");
    const last = services.pid("api")!;
    await services.close();
    expect([isRunning(last), (await services.status("api")).state]).toEqual([false, "stopped"]);
    await expect(services.start()).rejects.toThrow("its supervisor is closed");
  });

  it("is given up after short lives, and restarts when somebody asks", async () => {
    const flag = join(directory, "mended");
    const script = `if (!fs.existsSync(${JSON.stringify(flag)})) { console.error("no table"); process.exit(3) } ${stays}`;
    const { services, of } = supervise({
      command: node(script),
      ready: { line: "up" },
      restart: { firstDelayMs: 1, maxDelayMs: 2, maxShortLives: 3 },
    });
    await expect(services.start()).rejects.toThrow("it ended before it was ready: exit code 3: no table");
    await until(() => of("givenUp").length > 0);
    expect(of("started")).toHaveLength(3);
    expect(await services.status("api")).toEqual({ state: "failed", detail: "exit code 3: no table" });
    writeFileSync(flag, "");
    expect(await services.restart("api")).toMatchObject({ state: "ready" });
    await services.close();
  });

  it("fails when it does not get ready in time, and its process ends", async () => {
    const { services, of } = supervise({
      command: node(stays),
      ready: { http: `http://127.0.0.1:${await freePort()}/` },
      readyWithinMs: 150,
      restart: { maxShortLives: 1 },
    });
    await expect(services.start()).rejects.toMatchObject({
      code: "STEP_FAILED",
      message: "it was not ready within 150 ms",
    });
    expect(of("notReady")).toMatchObject([{ reason: "it was not ready within 150 ms" }]);
    await until(async () => (await services.status("api")).state === "failed");
    expect(isRunning(of("started")[0]!.pid!)).toBe(false);
    await services.close();
  });

  it.each([
    ["http", (port: number) => ({ http: `http://127.0.0.1:${port}/health` })],
    ["tcp", (port: number) => ({ tcp: `127.0.0.1:${port}` })],
    ["check", () => ({ check: async ({ pid }: { readonly pid: number }) => expect(isRunning(pid)).toBe(true) })],
  ] as const)("is ready by %s", async (_, ready) => {
    const port = await freePort();
    // The first answers say that it is not ready yet.
    const script = `let n = 0; setTimeout(() => require("http").createServer((q, r) => { r.statusCode = ++n < 3 ? 503 : 200; r.end() }).listen(${port}, "127.0.0.1"), 50)`;
    const { services } = supervise({ command: node(script), ready: ready(port) });
    await services.start("api");
    expect(await isReady(services)).toBe(true);
    await services.close();
  });

  it("takes its children with it, also those that take no notice", async () => {
    const file = join(directory, "grandchild");
    const child = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); fs.writeFileSync(${JSON.stringify(file)}, String(process.pid))`;
    const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }); ${stays}`;
    const { services } = supervise({ command: node(script), ready: { check: () => readFileSync(file) } });
    await services.start();
    await until(() => readFileSync(file, "utf8") !== "");
    const pid = Number(readFileSync(file, "utf8"));
    expect(isRunning(pid)).toBe(true);
    const before = services.pid("api");
    await services.restart("api");
    expect(services.pid("api")).not.toBe(before);
    expect(isRunning(pid)).toBe(false);
    await services.close();
  });

  it("is restarted once by restarts with one key, and carried on when nobody waits any more", async () => {
    const { services, of } = supervise({ command: node(stays), ready: { line: "up" } });
    await services.start();
    const controller = new AbortController();
    const left = services.restart("api", { idempotencyKey: "e/s", signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(left).rejects.toThrow("enough");
    const first = await services.restart("api", { idempotencyKey: "e/s" });
    expect(await services.restart("api", { idempotencyKey: "e/s" })).toEqual(first);
    expect(of("started")).toHaveLength(2);
    await services.restart("api", { idempotencyKey: "e/t" });
    expect(of("started")).toHaveLength(3);
    await services.close();
  });

  it("does not run twice when its supervisor was killed", async () => {
    const state = join(directory, "state");
    const never = { maxShortLives: 1 };
    const deaf = node(`process.on("SIGTERM", () => {}); ${stays}`);
    const killed = supervise({ command: deaf, ready: { line: "up" }, restart: never }, state);
    await killed.services.start();
    const pid = killed.services.pid("api")!;
    // The first one is not asked: all that the next one goes by is the note.
    const next = supervise({ command: node(stays), ready: { line: "up" } }, state);
    await next.services.start();
    expect(next.of("leftBehind")).toMatchObject([{ pid }]);
    expect(isRunning(pid)).toBe(false);
    await Promise.all([killed.services.close(), next.services.close()]);
  });

  it("says why it cannot be run", async () => {
    const { services } = supervise({ command: ["/nowhere/at/all"], restart: { maxShortLives: 1 } });
    await expect(services.start()).rejects.toThrow(/could not be started: spawn .*ENOENT/);
    expect(await services.status("api")).toMatchObject({ state: "failed" });
    await services.close();
  });
});

describe("the options of a supervisor", () => {
  it.each<[object, string]>([
    [{ services: { "a b": { command: ["a"] } } }, "services must have names of 1 to 64 letters"],
    [{ services: { a: { command: [] } } }, "services.a.command must be a list of texts, the program first"],
    [{ services: { a: { command: ["a"], ready: { tcp: "1" } } } }, "services.a.ready.tcp must be HOST:PORT"],
    [{ services: { a: { command: ["a"], ready: {} } } }, "services.a.ready must have exactly one of http, tcp"],
    [{ services: { a: { command: ["a"], graceMs: -1 } } }, "services.a.graceMs must be an integer >= 0"],
    [{ services: { a: { command: ["a"], restart: { max: 1 } } } }, "services.a.restart.max is no option"],
  ])("%j are refused", (options, message) => {
    expect(() => createServiceSupervisor(options as never)).toThrow(message);
  });
});
