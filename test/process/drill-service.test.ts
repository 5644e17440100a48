import { writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { DrillReport } from "holdfast/proof";
import { circuitBreaker, fallback, pipeline, timeout } from "holdfast/resilience";
import type { LiveRecording } from "holdfast/telemetry";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "./free-ports.ts";
import { run, temporaryDirectory } from "./holdfast-command.ts";

const directory = temporaryDirectory();
const file = join(directory.path, "down.yaml");
const servers: Server[] = [];
let stock: number;

beforeAll(async () => {
  stock = await listen((_request, response) => response.end("12 in stock"));
  writeFileSync(
    file,
    `name: stock-down
stage: { kind: service, method: POST, body: '{"item":1}', timeoutMs: 2000 }
load: { for: 3800ms, rate: 40 }
faults:
  - { kind: down, target: dependency, after: 300ms, for: 500ms }
  - { kind: partition, target: stock, after: 1300ms, for: 1800ms }
steadyState: [serves, reached, dependencyServes]
expect: [answeredRatio == 1, faultP99Ms < 1300, recoveredMs < 3000, errorsAfter == 0]
`,
  );
});

afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  directory.remove();
});

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A shop that asks for its stock at a port, with policies or without. */
async function shop(at: number, isProtected: boolean): Promise<string> {
  const ask = async (signal?: AbortSignal): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${at}/`, signal === undefined ? {} : { signal });
    return await response.text();
  };
  const guarded = pipeline(
    fallback(() => "in stock, as far as we know"),
    circuitBreaker({ window: { kind: "consecutive", failures: 3 }, openMs: 300 }),
    timeout({ timeoutMs: 200 }),
  );
  const port = await listen((_request, response) => {
    const answer = isProtected ? guarded.execute(({ signal }) => ask(signal)) : ask();
    answer.then(
      (text) => response.end(text),
      () => response.writeHead(502).end(),
    );
  });
  return `http://127.0.0.1:${port}/orders`;
}

const drill = (service: string, through: number, ...more: readonly string[]) =>
  run([
    "drill",
    file,
    "--service",
    service,
    "--dependency",
    `stock=127.0.0.1:${stock}`,
    "--through",
    String(through),
    ...more,
  ]);

describe.concurrent("a drill of somebody's own service", () => {
  it("passes one with policies, keeps a recording, and fails one without", async () => {
    const [one = 0, other = 0] = await freePorts(2);
    const recorded = join(directory.path, "run.json");
    const [kept, bare] = await Promise.all([
      drill(await shop(one, true), one, "--json", "--recording", recorded),
      drill(await shop(other, false), other, "--json"),
    ]);
    const [guarded, unguarded] = [kept, bare].map(({ stdout }) => JSON.parse(stdout) as DrillReport);
    for (const report of [guarded!, unguarded!]) {
      expect(report.faults.map(({ kind, happened }) => [kind, happened])).toEqual([
        ["down", true],
        ["partition", true],
      ]);
      expect(report.measures["calls"]).toBeGreaterThan(120);
      expect(report.measures["connectionsThrough"]).toBeGreaterThan(0);
    }
    expect([kept.code, guarded]).toMatchObject([
      0,
      { verdict: "passed", measures: { answeredRatio: 1, errorsAfter: 0 } },
    ]);
    expect([bare.code, unguarded?.verdict]).toEqual([1, "failed"]);
    expect(unguarded!.measures["faultAnsweredRatio"]).toBeLessThan(0.9);
    // Whoever waits for the stock waits until it is back.
    expect(unguarded!.measures["faultP99Ms"]).toBeGreaterThan(1_300);
    expect(kept.stderr).toContain(`--through ${one} --seed `);
    const recording = JSON.parse(readFileSync(recorded, "utf8")) as LiveRecording;
    expect(recording.messages.filter(({ message }) => message.type === "drills").at(-1)?.message).toMatchObject({
      drills: [{ drill: "stock-down", verdict: "passed" }],
    });
  });

  it("proves nothing of a service that does not come through the drill", async () => {
    const [through = 0] = await freePorts(1);
    const service = await shop(stock, true);
    const brief = join(directory.path, "brief.yaml");
    writeFileSync(
      brief,
      "name: brief\nstage: { kind: service }\nsteadyState: [serves, reached]\ntimeouts: { steady: 300ms }\nload: { for: 300ms }\n",
    );
    const line = ["--service", service, "--dependency", `stock=127.0.0.1:${stock}`, "--through", String(through)];
    const { code, stdout, stderr } = await run(["drill", brief, ...line, "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      { verdict: "inconclusive", reason: expect.stringContaining("reached (was false)") },
    ]);
    expect(stderr).toContain(`nothing has come through 127.0.0.1:${through} yet: the service has to reach stock there`);
  });

  it("leaves services of other machines alone, unless that is meant", async () => {
    const { code, stderr } = await drill("http://10.255.255.1:80/", 15_432);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--allow-remote")]);
  });
});
