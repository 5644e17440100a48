import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HoldfastError } from "holdfast/errors";
import { describe, expect, it, vi } from "vitest";

const root = join(import.meta.dirname, "..");
const files = globSync("packages/*/src/**/*.ts", { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => !path.endsWith(".test.ts"))
  .filter((path) => /class \w+ extends (?:\w*Error|Failure)\b/.test(readFileSync(join(root, path), "utf8")));

type ErrorClass = typeof HoldfastError;

const isErrorClass = (value: unknown, base: ErrorClass): value is ErrorClass =>
  typeof value === "function" && (value === base || value.prototype instanceof base);

/** The classes of errors that the files have, by name; each of one copy of the packages. */
async function load(base: ErrorClass): Promise<ReadonlyMap<string, ErrorClass>> {
  const classes = new Map<string, ErrorClass>([["HoldfastError", base]]);
  for (const path of files) {
    const module = (await import(join(root, path))) as Readonly<Record<string, unknown>>;
    for (const [name, value] of Object.entries(module)) if (isErrorClass(value, base)) classes.set(name, value);
  }
  return classes;
}

/** What has a class's brand and nothing else. */
const errorOf = (made: ErrorClass): unknown => Object.create(made.prototype);

const classes = await load(HoldfastError);
vi.resetModules();
const another = await load(((await import("holdfast/errors")) as { HoldfastError: ErrorClass }).HoldfastError);

describe("the classes of errors", () => {
  it("are found in every room that has some", () => {
    const rooms = [
      ["errors", "BusinessError"],
      ["resilience", "TimeoutError"],
      ["wire", "MalformedError"],
      ["membership", "JoinError"],
      ["consensus", "LogCorruptError"],
      ["coordination", "RecipeError"],
      ["recovery", "NoAgreementError"],
      ["proof", "HistoryError"],
      ["adapters", "EtcdError"],
      ["server", "GatewayError"],
    ] as const;
    expect([...classes.keys()]).toEqual(expect.arrayContaining(rooms.map(([, name]) => name)));
    expect(another.get("RecipeError")).not.toBe(classes.get("RecipeError"));
    expect([...another.keys()]).toEqual([...classes.keys()]);
  });

  it.each([...classes])("%s says its own name", (name, made) => {
    expect(Object.hasOwn(made, "brand")).toBe(true);
    expect(made.brand).toBe(name);
  });

  it.each([...classes])(
    "%s knows its own errors and those that extend it, of this copy and another, alone",
    (_, asked) => {
      for (const [name, made] of classes) {
        const isOne = made === asked || made.prototype instanceof asked;
        expect([name, asked.is(errorOf(made))]).toEqual([name, isOne]);
        expect([name, asked.is(errorOf(another.get(name)!))]).toEqual([name, isOne]);
      }
      for (const stranger of [undefined, null, "TIMED_OUT", new Error("x"), { code: "TIMED_OUT" }]) {
        expect(asked.is(stranger)).toBe(false);
      }
    },
  );

  it("one of a program's own, which says no name, knows its own alone", () => {
    const base = classes.get("CoordinationError")!;
    class OwnError extends base {}
    class OtherError extends base {}
    expect(OwnError.is(errorOf(OwnError))).toBe(true);
    expect(OwnError.is(errorOf(OtherError))).toBe(false);
    expect(OwnError.is(errorOf(base))).toBe(false);
    expect(base.is(errorOf(OwnError))).toBe(true);
    expect(classes.get("RecipeError")!.is(errorOf(OwnError))).toBe(false);
  });
});
