import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { freePortRange, occupy } from "./free-ports.ts";
import { run, start } from "./holdfast-command.ts";
import { cleanUp, line, place, running, stop, undo } from "./lone-node.ts";

afterAll(cleanUp);

describe.concurrent("holdfast node", () => {
  it("says when it is ready, serves, and keeps what it stored", async () => {
    const where = await place();
    const node = start([...line(where), "--json"]);
    undo.push(() => node.child.kill("SIGKILL"));
    expect(JSON.parse(await node.firstLine())).toEqual({
      ready: true,
      name: "n1",
      pid: node.child.pid,
      clientUrl: where.url,
      httpUrl: `http://127.0.0.1:${where.port + 2}`,
    });
    expect((await run(["put", "a", "b", "--endpoints", where.url])).code).toBe(0);
    await stop(node);
    await running(where);
    expect((await run(["get", "a", "--endpoints", where.url])).stdout).toBe("b\n");
  });

  it.each([
    [0, "--client"],
    [1, "--peer"],
    [2, "--http"],
  ])("names the option of a port that is taken (%d above)", async (offset, option) => {
    const where = await place();
    const taken = await occupy(where.port + offset);
    undo.push(() => taken.close());
    const { code, stdout, stderr } = await run(line(where));
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(`127.0.0.1:${where.port + offset} is taken by another process; choose another: ${option}`);
  });

  it("refuses a directory that cannot be written", async () => {
    const where = await place();
    mkdirSync(where.data);
    const data = join(where.data, "file", "below");
    writeFileSync(join(where.data, "file"), "");
    const { code, stderr } = await run(line({ ...where, data }));
    expect(code).toBe(3);
    expect(stderr).toContain(`the data directory ${data} cannot be written`);
  });

  it("refuses a directory that another process uses", async () => {
    const where = await place();
    const node = await running(where);
    const { code, stderr } = await run(line({ data: where.data, port: await freePortRange(3) }));
    expect(code).toBe(3);
    expect(stderr).toContain(`locked by process ${node.child.pid}`);
    expect(stderr).toContain("--data DIR");
  });

  it("refuses another member's directory", async () => {
    const where = await place();
    await stop(await running(where));
    const { code, stderr } = await run(line(where, "n2"));
    expect(code).toBe(3);
    expect(stderr).toContain(where.data);
  });

  it("refuses a log whose middle is damaged, and says where", async () => {
    const where = await place();
    const node = await running(where);
    for (const value of ["one", "two", "three"]) {
      expect((await run(["put", "a", value, "--endpoints", where.url])).code).toBe(0);
    }
    await stop(node);
    const segment = readdirSync(where.data).find((name) => name.endsWith(".log"));
    const file = join(where.data, segment ?? "");
    const bytes = readFileSync(file);
    const at = bytes.indexOf("one");
    expect(at).toBeGreaterThan(0);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const { code, stderr } = await run(line(where));
    expect(code).toBe(3);
    expect(stderr).toContain(segment);
  });
});
