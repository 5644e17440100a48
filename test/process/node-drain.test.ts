import { grpcHealthProbe } from "holdfast/adapters/grpc-health";
import { afterEach, expect, it } from "vitest";
import { start } from "./holdfast-command.ts";
import { cleanUp, line, place, undo } from "./lone-node.ts";

afterEach(cleanUp);

it("asked to stop, a node says first that it is not ready, serves on for its grace, and ends well", async () => {
  const where = await place();
  const node = start([...line(where), "--drain-grace-ms", "700"]);
  undo.push(async () => {
    node.child.kill("SIGKILL");
    await node.done;
  });
  await node.firstLine();
  const status = async (path: string): Promise<number> => (await fetch(where.url + path)).status;
  const put = async (): Promise<number> =>
    (await fetch(`${where.url}/v3/kv/put`, { method: "POST", body: '{"key":"YQ==","value":"MQ=="}' })).status;
  const probe = (): Promise<string> => grpcHealthProbe()(where.url, "", { signal: AbortSignal.timeout(5_000) });
  while ((await status("/readyz")) !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  expect([await status("/livez"), await probe()]).toEqual([200, "SERVING"]);

  const askedAt = performance.now();
  node.child.kill("SIGTERM");
  while ((await status("/readyz")) === 200) await new Promise((resolve) => setImmediate(resolve));
  expect([await status("/livez"), await probe(), await put()]).toEqual([200, "NOT_SERVING", 200]);
  const { code, stderr } = await node.done;
  expect([code, stderr]).toEqual([0, expect.stringContaining("SIGTERM: stopping")]);
  expect(stderr).toContain("n1 has stopped");
  expect(performance.now() - askedAt).toBeGreaterThanOrEqual(690);
  await expect(status("/livez")).rejects.toThrow();
});
