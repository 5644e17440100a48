import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { gatewayClient } from "../../packages/server/src/client/gateway-client.ts";
import { freePortRange, occupy } from "./free-ports.ts";
import { run, start, until } from "./holdfast-command.ts";
import { cleanUp, line, place, running, stop, undo, type Place } from "./lone-node.ts";

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

/** One of which clients are to ask something. */
async function serving(...options: readonly string[]): Promise<Place> {
  const where = await place();
  const node = start([...line(where), ...options]);
  undo.push(async () => {
    node.child.kill("SIGKILL");
    await node.done;
  });
  await node.firstLine();
  return where;
}

describe.concurrent("history and room", () => {
  it("go by what is asked: compact, alarm list, alarm disarm", async () => {
    const { url: HOLDFAST_ENDPOINTS } = await serving("--quota-bytes", "20000");
    const ask = async (...command: readonly string[]): Promise<readonly unknown[]> => {
      const { code, stdout, stderr } = await run(command, { HOLDFAST_ENDPOINTS });
      return [code, stdout, stderr];
    };
    const client = gatewayClient({ endpoints: [HOLDFAST_ENDPOINTS] });
    undo.push(() => client.close());
    const put = (key: string, value: string) => client.put({ key: Buffer.from(key), value: Buffer.from(value) });
    for (const value of ["1", "2", "3"]) await put("a", value);
    expect(await ask("compact", "3")).toEqual([0, "compacted to revision 3\n", ""]);
    const [there, gone, again, future, kept, none] = await Promise.all([
      ask("get", "a", "--rev", "3"),
      ask("get", "a", "--rev", "2"),
      ask("compact", "3"),
      ask("compact", "9"),
      ask("compact", "--keep", "9", "--json"),
      ask("alarm", "list"),
    ]);
    expect(there).toEqual([0, "2\n", ""]);
    for (const answer of [gone, again]) expect(answer).toEqual([1, "", expect.stringContaining("has been compacted")]);
    expect(future).toEqual([1, "", expect.stringContaining("future revision")]);
    expect(kept).toEqual([0, '{"compacted":null,"revision":4}\n', ""]);
    expect(none).toEqual([0, "", "no alarm is raised\n"]);

    const large = "x".repeat(9_000);
    await put("b", large);
    await put("b", large);
    const full = await ask("put", "b", large);
    expect(full).toEqual([1, "", expect.stringMatching(/database space exceeded\n.*holdfast alarm disarm/)]);
    const raised = () => client.call("/maintenance/alarm", { action: "GET" }, { reads: true });
    await until("the alarm is raised", 5_000, async () => "alarms" in (await raised()));
    const [said, [, told]] = await Promise.all([ask("alarm", "list"), ask("alarm", "list", "--json")]);
    expect(said).toEqual([0, "NOSPACE raised by n1\n", ""]);
    const alarms = [{ alarm: "NOSPACE", member: "n1", id: expect.stringMatching(/^[0-9a-f]+$/) as string }];
    expect(JSON.parse(told as string)).toEqual({ alarms });
    const refused = { code: "NO_SPACE" };
    await expect(put("small", "1")).rejects.toMatchObject(refused);
    expect((await ask("del", "b"))[0]).toBe(0);
    expect(await ask("compact", "--keep", "0")).toEqual([0, "compacted to revision 7\n", ""]);
    expect(await ask("alarm", "disarm", "CORRUPT")).toEqual([0, "", "no alarm CORRUPT is raised\n"]);
    await expect(put("small", "1")).rejects.toMatchObject(refused);
    expect(await ask("alarm", "disarm")).toEqual([0, "NOSPACE of n1 taken back\n", ""]);
    await put("b", large);
    expect(await ask("alarm", "list", "--json")).toEqual([0, '{"alarms":[]}\n', ""]);
  });

  it("go by themselves when the node is told to", async () => {
    const { url, port } = await serving("--auto-compaction-retention", "1s");
    const client = gatewayClient({ endpoints: [url] });
    undo.push(() => client.close());
    const key = Buffer.from("a");
    for (let put = 0; put < 10; put++) await client.put({ key, value: key });
    const { header } = await client.put({ key, value: key });
    const isGone = (revision: number): Promise<boolean> =>
      client.range({ key, revision }).then(
        () => false,
        (error: unknown) => (error as { readonly code?: string }).code === "COMPACTED",
      );
    await until("old history is gone", 4_000, () => isGone(header.revision - 1));
    expect(await isGone(header.revision)).toBe(false);
    const metrics = await (await fetch(`http://127.0.0.1:${port + 2}/metrics`)).text();
    expect(metrics).toMatch(/room="server",type="historyCompacted"\} [1-9]/);
  });
});
