import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createMemoryMember } from "../../coordination/index.ts";
import { configurationUpdate, type StepContext } from "../../recovery/index.ts";
import { configurationFiles } from "./configuration-files.ts";

const base = mkdtempSync(join(tmpdir(), "holdfast-files-"));
afterAll(() => rmSync(base, { recursive: true }));

const root = join(base, "etc");
const outside = join(base, "outside");
mkdirSync(root);
mkdirSync(outside);
const files = configurationFiles({ roots: [root] });
const signal = new AbortController().signal;
let executions = 0;

function scene(parameters: StepContext["parameters"]): {
  readonly run: () => Promise<unknown>;
  readonly rollback: () => Promise<unknown>;
} {
  const { run, rollback } = configurationUpdate({ coordination: createMemoryMember(), files });
  const names = { planId: "p", executionId: `e${++executions}`, stepId: "s", idempotencyKey: "k" };
  const context = { ...names, attempt: 1, fencingToken: 1, outputs: new Map(), parameters, signal };
  return { run: async () => await run(context), rollback: async () => await rollback!({ ...context, output: null }) };
}

function fileWith(name: string, text: string): string {
  const path = join(root, name);
  writeFileSync(path, text);
  return path;
}

describe("a configuration file", () => {
  it("is replaced as a whole, keeps its mode, and comes back", async () => {
    const file = fileWith("mode", "normal\n");
    chmodSync(file, 0o640);
    const { run, rollback } = scene({ file, value: "read-only\n" });
    expect(await run()).toEqual({ previous: "normal\n" });
    expect(await run()).toEqual({ previous: "normal\n" });
    expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual(["read-only\n", 0o640]);
    await rollback();
    await rollback();
    expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual(["normal\n", 0o640]);
    await expect(run()).rejects.toThrow("undone meanwhile");
    expect(readdirSync(root)).toEqual(["mode"]);
    rmSync(file);
  });

  it("is removed again where there was none", async () => {
    const file = join(root, "new.json");
    const { run, rollback } = scene({ file, pointer: "/limits", value: { rate: 5 } });
    expect(await run()).toEqual({ previous: null });
    expect(readFileSync(file, "utf8")).toBe('{\n  "limits": {\n    "rate": 5\n  }\n}\n');
    await rollback();
    expect(existsSync(file)).toBe(false);
  });

  it("changes one value of a document, in its own indentation, and gives back every byte", async () => {
    const text = '{\n\t"mode": "normal",\n\t"pool": { "max": 20 }\n}';
    const file = fileWith("app.json", text);
    const { run, rollback } = scene({ file, pointer: "/pool/max", value: 5 });
    expect(await run()).toEqual({ previous: 20 });
    expect(readFileSync(file, "utf8")).toBe('{\n\t"mode": "normal",\n\t"pool": {\n\t\t"max": 5\n\t}\n}\n');
    await rollback();
    expect(readFileSync(file, "utf8")).toBe(text);
    await expect(scene({ file, pointer: "/pool/max/deep", value: 1 }).run()).rejects.toMatchObject({
      message: expect.stringMatching(/^the file cannot be changed: there is nothing at "\/pool\/max\/deep"/),
      stepErrorKind: "configuration",
    });
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("takes the changes of several steps at once", async () => {
    const file = fileWith("many.json", "{}");
    const update = configurationUpdate({ coordination: createMemoryMember(), files });
    const names = Array.from({ length: 8 }, (_, index) => `n${index}`);
    await Promise.all(
      names.map(async (stepId) => {
        const parameters = { file, pointer: `/${stepId}`, value: stepId };
        const context = { planId: "p", executionId: "e", stepId, idempotencyKey: "k", attempt: 1, fencingToken: 1 };
        return await update.run({ ...context, outputs: new Map(), parameters, signal });
      }),
    );
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(Object.fromEntries(names.map((name) => [name, name])));
  });

  it("is left alone where somebody else has written since", async () => {
    const file = fileWith("shared", "one");
    const { run, rollback } = scene({ file, value: "two" });
    await run();
    writeFileSync(file, "three");
    await expect(rollback()).rejects.toThrow(`somebody else has written ${JSON.stringify(file)} since`);
    await expect(run()).rejects.toThrow("somebody else has written");
    expect(readFileSync(file, "utf8")).toBe("three");
  });

  it("is found through links, and only below the roots", async () => {
    const file = fileWith("real", "one");
    symlinkSync(file, join(root, "link"));
    await scene({ file: join(root, "link"), value: "two" }).run();
    expect([readFileSync(file, "utf8"), readdirSync(root).includes("link")]).toEqual(["two", true]);
    writeFileSync(join(outside, "secret"), "s");
    symlinkSync(outside, join(root, "way"));
    symlinkSync(join(outside, "none"), join(root, "nowhere"));
    const away = { stepErrorKind: "configuration", message: expect.stringMatching(/not below|what is not there/) };
    for (const name of ["way/secret", "way/new", "nowhere"]) {
      await expect(scene({ file: join(root, name), value: "x" }).run()).rejects.toMatchObject(away);
    }
    expect(readdirSync(outside)).toEqual(["secret"]);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("s");
  });

  it.each<[string, string]>([
    ["mode", "must be an absolute path"],
    [join(root, "..", "outside", "secret"), `must be below ${root}`],
    [`${root}-other/file`, `must be below ${root}`],
    [root, `must be below ${root}`],
    [`${root}/a\0b`, "must be an absolute path"],
  ])("%j is refused", async (path, message) => {
    expect(files.refuses!(path)).toBe(message);
    await expect(files.read(path, { signal })).rejects.toThrow(message);
  });

  it("has a size, and is text", async () => {
    const small = configurationFiles({ roots: [root], maxBytes: 4 });
    const file = fileWith("large", "12345");
    await expect(small.read(file, { signal })).rejects.toThrow("has 5 bytes, more than 4");
    await expect(small.replace(file, "12345", { signal })).rejects.toThrow("more than 4 bytes");
    writeFileSync(file, Buffer.from([0xff, 0xfe]));
    await expect(files.read(file, { signal })).rejects.toThrow("is no text in UTF-8");
    await expect(files.read(join(root, "way"), { signal })).rejects.toThrow();
    await expect(files.replace(join(root, "no", "file"), "x", { signal })).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a step with a file", () => {
  it("has a text as value, unless there is a pointer", () => {
    const { check } = configurationUpdate({ coordination: createMemoryMember(), files });
    expect(check!({ file: "/a", value: 1 })).toBe("must have a text as value, unless there is a pointer");
    expect(check!({ file: "/a", value: 1, pointer: "/a" })).toBeUndefined();
    expect(check!({ file: "/a", key: "b", value: "1" })).toBe("must have exactly one of key, file (got key and file)");
    expect(check!({ key: "b", pointer: "/a", value: "1" })).toBe("pointer goes with file, not with key");
  });
});
