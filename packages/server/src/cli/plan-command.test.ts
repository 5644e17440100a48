import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { planCommand } from "./plan-command.ts";
import { runCommandLine } from "./run-command.ts";
import type { Terminal } from "./terminal.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-plan-"));
afterAll(() => rmSync(directory, { recursive: true }));

interface Said {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
  readonly documents: readonly unknown[];
}

async function plan(...line: readonly string[]): Promise<Said> {
  const said = { out: [] as string[], err: [] as string[], documents: [] as unknown[] };
  const plain = (_: string, text: string): string => text;
  const terminal = {
    out: (text: string) => said.out.push(text),
    err: (text: string) => said.err.push(text),
    document: (value: unknown) => said.documents.push(value),
    style: plain,
    styleErr: plain,
  } as unknown as Terminal;
  const code = await runCommandLine(["plan", ...line], [{ name: "plan", load: async () => planCommand }], terminal, {});
  return { code, ...said };
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const good = file(
  "good.yaml",
  `id: restore
parameters:
  region: { type: text }
steps:
  - id: dump
    type: command
    parameters: { command: [pg_dump, "\${parameters.region}"] }
    rollback: none
  - id: check
    type: health-check
    dependsOn: [dump]
    parameters: { url: "http://127.0.0.1/\${steps.dump.output.stdout}" }
  - id: sign-off
    type: approval
    dependsOn: [dump]
`,
);

const services = file("services.yaml", "services: { api: { command: [node] } }\n");
const badServices = file(
  "bad-services.yaml",
  `services:
  api:
    command: [node]
    ready: { tcp: 8080 }
`,
);
const badUnits = file("bad-units.yaml", "systemd: { units: [sshd] }\n");

describe("holdfast plan validate", () => {
  it("tells every mistake with its line", async () => {
    const bad = file(
      "bad.yaml",
      `id: restore
steps:
  - id: dump
    type: command
    parameters:
      command: pg_dump
    timeout: 30
    rollback: undo-dump
  - id: check
    type: health-check
    dependsOn:
      - dbrestore
    parameters: { url: ftp://x }
`,
    );
    const shape = await plan("validate", bad);
    expect(shape.err[0]).toContain("bad.yaml:7:14: steps[0].timeout: must be a duration with a unit like 500ms");
    const meaning = file("meaning.yaml", readFileSync(bad, "utf8").replace("30", "30s"));
    const { code, err } = await plan("validate", meaning);
    expect(code).toBe(1);
    expect(err.map((line) => line.slice(line.indexOf("meaning.yaml")))).toEqual([
      'meaning.yaml:12:9: steps[1].dependsOn[0]: unknown step "dbrestore"',
      'meaning.yaml:8:15: steps[0].rollback: unknown rollback step "undo-dump"',
      'meaning.yaml:6:16: steps[0].parameters.command: must be a list (got "pg_dump")',
      'meaning.yaml:13:24: steps[1].parameters.url: must be an http or https URL (got "ftp://x")',
      "meaning.yaml is not a valid plan",
    ]);
  });

  it.each([
    ["id: [", /^.*:1:6: Flow sequence/],
    ["id: a\nid: b\n", /^.*:2:1: Map keys must be unique/],
    ["a: &a [1]\nb: *c\n", /^.*:1:1: .*c/],
    ["7", /^.*:1:1: must be an object \(got 7\)/],
    ["", /^.*:1:1: must be an object/],
  ])("refuses %j", async (text, message) => {
    const { code, err } = await plan("validate", file("syntax.yaml", text));
    expect(code).toBe(1);
    expect(err[0]).toMatch(message);
  });

  it("takes a plan, as one document with --json", async () => {
    expect(await plan("validate", good)).toMatchObject({ code: 0, out: [`${good} is a valid plan: restore, 3 steps`] });
    const { code, documents } = await plan("validate", good, "--json");
    expect([code, documents]).toEqual([0, [{ valid: true, plan: "restore", steps: 3, problems: [] }]]);
    const json = JSON.stringify({ id: "p", steps: [{ id: "a", type: "drain", rollback: "none" }] });
    const own = file("own.json", json);
    const column = json.indexOf('"drain"') + 1;
    expect((await plan("validate", own)).err[0]).toContain(
      `own.json:1:${column}: steps[0].type: no executor for "drain"`,
    );
    expect(await plan("validate", own, "--types", "drain")).toMatchObject({ code: 0 });
  });
});

describe("holdfast plan", () => {
  it("prints the order of a dry run", async () => {
    const { code, out } = await plan("run", good, "--dry-run", "--set", "region=eu");
    expect([code, out]).toEqual([
      0,
      [
        'with region="eu"',
        "1   dump (command)",
        "2   check (health-check)",
        "    sign-off (approval)",
        "steps of one number run together, 4 at a time",
      ],
    ]);
    expect(await plan("run", good, "--dry-run")).toMatchObject({
      code: 1,
      err: ["holdfast: the parameters do not fit the plan: parameters.region: is missing"],
    });
  });

  it("prints the schema", async () => {
    const { documents } = await plan("schema");
    expect(documents[0]).toMatchObject({ title: "Holdfast recovery plan", required: ["id", "steps"] });
  });

  it.each<[readonly string[], string]>([
    [
      ["go"],
      "ACTION must be one of validate, run, submit, worker, status, history, list, cancel, approve, refuse, schema",
    ],
    [["approve", "x"], "approve needs ID and STEP"],
    [["validate"], "validate needs FILE"],
    [["list", "x"], 'unexpected argument "x"'],
    [["run", good, "--set", "region"], "--set must be NAME=VALUE"],
    [["worker", "x"], 'unexpected argument "x"'],
    [["worker", "--services", badServices], ":4:19: services.api.ready.tcp must be text"],
    [["worker", "--services", badUnits], ":1:19: systemd.units must be full names of units, like api.service"],
    [["run", good, "--services", services], "--services: services that are run here need plan worker"],
  ])("%j is a usage error", async (line, message) => {
    const { code, err } = await plan(...line);
    expect(code).toBe(2);
    expect(err[0]).toContain(message);
  });
});
