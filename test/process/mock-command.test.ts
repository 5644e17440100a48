import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, start, temporaryDirectory, type RunningCommand } from "./holdfast-command.ts";

const token = "a-token-of-tests";
const directory = temporaryDirectory();
const file = join(directory.path, "users.yaml");
let command: RunningCommand;
let ready: { readonly url: string; readonly control: string; readonly seed: number };

function users(fault: string): string {
  return `name: users
seed: 7
routes:
  - path: /users
    resource:
      items: [{ id: 1, name: Ada }]
faults:
  - ${fault}
`;
}

function write(name: string, text: string): string {
  const path = join(directory.path, name);
  writeFileSync(path, text);
  return path;
}

async function ask(path: string, init: RequestInit = {}): Promise<readonly [number, unknown]> {
  const response = await fetch(path.startsWith("/") ? `${ready.url}${path}` : path, init);
  return [response.status, await response.json()];
}

beforeAll(async () => {
  writeFileSync(file, users("{ kind: status, status: 503, times: 1 }"));
  command = start(["mock", file, "--port", "0", "--watch", "--json"], { HOLDFAST_MOCK_TOKEN: token });
  ready = JSON.parse(await command.firstLine()) as typeof ready;
});

afterAll(async () => {
  command.child.kill("SIGKILL");
  await command.done;
  directory.remove();
});

describe("holdfast mock", () => {
  it("serves what the file says, and fails as it says", async () => {
    expect(ready).toMatchObject({ name: "users", seed: 7, control: `${ready.url}/_mock` });
    expect((await ask("/users/1"))[0]).toBe(503);
    expect(await ask("/users/1")).toEqual([200, { id: 1, name: "Ada" }]);
  });

  it("is changed over HTTP by who knows the token", async () => {
    const body = JSON.stringify({ kind: "status", status: 502, times: 1 });
    const post = { method: "POST", body };
    expect((await ask(`${ready.control}/faults`, post))[0]).toBe(401);
    const headers = { authorization: `Bearer ${token}` };
    expect((await ask(`${ready.control}/faults`, { ...post, headers }))[0]).toBe(201);
    expect((await ask("/users/1"))[0]).toBe(502);
    expect(await ask(ready.control, { headers })).toMatchObject([200, { counts: { status: 2 } }]);
  });

  it("takes the file again when it changes, unless it is wrong; then ends when it is asked to", async () => {
    const said = async (text: string): Promise<void> => {
      while (!command.stderr().includes(text)) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    writeFileSync(file, users("{ kind: latency }"));
    await said("users.yaml:8:5: faults[0].delayMs must be a number");
    expect((await ask("/users/1"))[0]).toBe(200);
    writeFileSync(file, users("{ kind: status, status: 504 }"));
    await said("was read again: 1 route");
    expect((await ask("/users/1"))[0]).toBe(504);
    command.child.kill("SIGTERM");
    const { code, stderr } = await command.done;
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining("users has stopped: 5 requests, faults struck 3 times"),
    ]);
  });
});

describe.concurrent("holdfast mock --check", () => {
  it("names the place of what is wrong", async () => {
    const wrong = write("a.yaml", "routes:\n  - path: a\n    answer: {}\n");
    const { code, stderr } = await run(["mock", wrong, "--check"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("a.yaml:2:5: routes[0].path must be a path")]);
  });

  it("says that a file is right", async () => {
    const right = write("right.json", JSON.stringify({ routes: [{ path: "/a", answer: {} }] }));
    const { code, stdout } = await run(["mock", right, "--check", "--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([0, { ok: true, routes: 1, faults: 0 }]);
  });
});
