import { describe, expect, it } from "vitest";
import { readMockFile } from "./mock-file.ts";

const text = `name: users
shared: &ok { status: 200 }
`;

const lines = (...given: readonly string[]): string => given.join("\n");

describe("a file", () => {
  it("is YAML or JSON", () => {
    const yaml = lines("seed: 7", "routes:", "  - { path: /a, answer: { json: { on: yes } } }");
    // YAML 1.2: yes is a text.
    const options = { seed: 7, routes: [{ path: "/a", answer: { json: { on: "yes" } } }] };
    expect(readMockFile("a.yaml", yaml).options).toEqual(options);
    expect(readMockFile("a.json", JSON.stringify(options)).options).toEqual(options);
  });

  it.each<[string, string]>([
    [lines("seed: [7", "routes: []"), "a.yaml:2:1: Flow sequence in block collection must be"],
    [lines("seed: 7", "seed: 8"), "a.yaml:2:1: Map keys must be unique"],
    [lines("seed: !!secret 7"), "a.yaml:1:7: Unresolved tag"],
    ["", "a.yaml:1:1: must hold an object with name, seed, routes"],
    ["- a", "a.yaml:1:1: must hold an object"],
    [text, "a.yaml:2:1: shared is no option; there are name, seed, routes"],
    ["listen: { port: 1 }", "a.yaml:1:1: listen is no option"],
    [lines("routes: *none"), "a.yaml:1:1: Unresolved alias"],
    [lines("seed: 1", "---", "seed: 2"), "a.yaml:2:1: Source contains multiple documents"],
    ["x".repeat(16 * 1024 * 1024 + 1), "a.yaml must have at most 16777216 letters"],
  ])("that is none is refused: %#", (file, message) => {
    expect(() => readMockFile("a.yaml", file)).toThrow(message);
  });

  it("does not grow without bound by what stands for something else", () => {
    const rows = ["name: x", "routes:", "  - &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let at = 1; at < 9; at++)
      rows.push(
        `  - &a${at} [${Array(10)
          .fill(`*a${at - 1}`)
          .join(", ")}]`,
      );
    expect(() => readMockFile("a.yaml", rows.join("\n"))).toThrow("Excessive alias count");
  });
});

it("names the place of what the service refuses", () => {
  const file = readMockFile(
    "a.yaml",
    lines(
      "routes:",
      "  - &first",
      "    path: /a",
      "    answer:",
      "      status: 99",
      "      headers: { a b: c }",
      "  - *first",
      "faults: [{ kind: slow }]",
    ),
  );
  const placed = (path: string): string => file.place(`mockService.${path} must be right`).message;
  expect(placed("routes[0].answer.status")).toBe("a.yaml:5:7: routes[0].answer.status must be right");
  expect(placed("routes[0].query.a")).toMatch(/^a\.yaml:3:5: /);
  expect(placed("routes[1].answer.status")).toMatch(/^a\.yaml:5:7: /);
  expect(placed("faults[0].kind")).toMatch(/^a\.yaml:8:12: /);
  expect(placed("seed")).toMatch(/^a\.yaml:1:1: /);
  expect(file.place("something else").message).toBe("a.yaml:1:1: something else");
});
