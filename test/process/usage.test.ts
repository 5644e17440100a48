import { describe, expect, it } from "vitest";
import { freePortRange } from "./free-ports.ts";
import { run } from "./holdfast-command.ts";

describe.concurrent("holdfast", () => {
  it.each([
    [[], 2, /^$/],
    [["nonsense"], 2, /unknown command "nonsense"; there are up, node/],
    [["statsu"], 2, /unknown command "statsu"; did you mean status\?/],
    [["up", "--nodes", "x"], 2, /--nodes must be an integer 1\.\.7 \(got "x"\)/],
    [["up", "--node", "3"], 2, /unknown option --node; did you mean --nodes\?/],
    [["up", "--port"], 2, /--port needs a value: --port N/],
    [["node", "--name", "n1", "--data", "d"], 2, /--cluster is required/],
    [
      ["node", "--name", "x", "--data", "d", "--cluster", "n1=a:1"],
      2,
      /--name must be one of --cluster: n1 \(got "x"\)/,
    ],
    [["put", "key"], 2, /VALUE is missing/],
    [["get", ""], 2, /KEY must not be empty/],
    [["get", "a", "--endpoints", "localhost"], 2, /--endpoints must be URLs/],
    [["drill", "leader-kil"], 2, /unknown drill "leader-kil"; did you mean leader-kill\?/],
    [["drill", "leader-kill", "--nodes", "2"], 2, /--nodes must be an integer 3\.\.7 for leader-kill/],
    [["check", "/nowhere/history.jsonl"], 3, /\/nowhere\/history\.jsonl cannot be read/],
  ])("%j exits with %d", async (line, code, message) => {
    const result = await run(line);
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(code);
  });

  it("says which version it is", async () => {
    const { code, stdout } = await run(["--version"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  it.each([
    [["help"], "drill leader-kill"],
    [["up", "--help"], "--nodes N"],
    [["help", "get"], "--prefix"],
  ])("%j helps, with examples before options", async (line, expected) => {
    const { code, stdout, stderr } = await run(line);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(expected);
    expect(stdout.indexOf("Examples")).toBeGreaterThan(0);
    expect(stdout).not.toContain("\u001B");
  });

  it("says which URLs it tried when nobody answers, and what to do", async () => {
    const port = await freePortRange(1);
    const url = `http://127.0.0.1:${port}`;
    for (const line of [["get", "a"], ["put", "a", "b"], ["status"]]) {
      const { code, stdout, stderr } = await run(line, { HOLDFAST_ENDPOINTS: url });
      expect([code, stdout]).toEqual([3, ""]);
      expect(stderr).toContain(`${url} (connection refused)`);
      expect(stderr).toContain("holdfast up");
    }
  });

  it("puts one document on stdout with --json, also when it fails", async () => {
    const port = await freePortRange(1);
    const { code, stdout } = await run(["status", "--json", "--endpoints", `http://127.0.0.1:${port}`]);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "ENVIRONMENT" } });
  });
});
