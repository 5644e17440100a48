import { faultRegistry, type FaultRegistry, type LiveTarget } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { faultCommand } from "../cli/fault-command.ts";
import { parseLine } from "../cli/parse-line.ts";
import type { Terminal } from "../cli/terminal.ts";
import { serveFaults, type FaultApi } from "./fault-api.ts";

const open: (FaultApi | FaultRegistry)[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** An injector with one target. */
async function injector(name: string): Promise<{ readonly url: string; readonly registry: FaultRegistry }> {
  const target: LiveTarget = {
    name,
    kinds: ["dark"],
    optedIn: () => true,
    check: (_, parameters) => parameters,
    inject: () => undefined,
    remove: () => undefined,
  };
  const registry = faultRegistry({ clock: nodeRuntime().clock, targets: [target] });
  const api = await serveFaults({ registry, listen: { host: "127.0.0.1", port: 0 } });
  open.push(api, registry);
  return { url: `http://127.0.0.1:${api.address.port}`, registry };
}

async function run(...line: readonly string[]): Promise<{ readonly code: number; readonly document: unknown }> {
  const { options, positionals } = parseLine(faultCommand, [...line, "--json"], {});
  let document: unknown;
  const terminal = { document: (value: unknown) => (document = value) } as unknown as Terminal;
  const code = await faultCommand.run({ options, positionals, terminal });
  return { code, document };
}

describe("several injectors", () => {
  it("are asked until one knows, and healed by one command", async () => {
    const [a, b] = [await injector("a"), await injector("b")];
    const api = ["--api", `${a.url},${b.url}`];
    expect((await run("add", "b", "dark", "--id", "one", ...api)).document).toMatchObject({ target: "b", id: "one" });
    await run("add", "a", "dark", ...api);
    await run("add", "b", "dark", ...api);
    expect([a.registry.faults.length, b.registry.faults.length]).toEqual([1, 2]);
    expect((await run("list", ...api)).document).toMatchObject({
      targets: [{ name: "a" }, { name: "b" }],
      faults: [{ target: "a" }, { target: "b" }, { target: "b" }],
    });
    expect((await run("remove", "one", ...api)).document).toMatchObject({ id: "one", state: "removed" });
    await expect(run("remove", "one", ...api)).rejects.toThrow('no fault "one" goes on');
    expect(await run("heal", ...api)).toMatchObject({ code: 0, document: { removed: [{}, {}], stuck: [] } });
    expect([a.registry.faults, b.registry.faults]).toEqual([[], []]);
  });

  it("are healed also when one of them does not answer, which is told", async () => {
    const { url, registry } = await injector("a");
    await run("add", "a", "dark", "--api", url);
    await expect(run("heal", "--api", `http://127.0.0.1:1,${url}`)).rejects.toMatchObject({
      exitCode: 3,
      message: /^nobody answers at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)/,
    });
    expect(registry.faults).toEqual([]);
  });
});
