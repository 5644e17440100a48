import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { sizeOf } from "./codec.ts";
import type { Message } from "./message.ts";
import { swimDetector } from "./swim-detector.ts";
import { step } from "./swim-step.ts";
import { createSwim } from "./swim.ts";

const host = "h";

describe("swimDetector", () => {
  it("tells what a SWIM member knows in the words of the other detectors", () => {
    const swim = createSwim({ name: "a", host, port: 1, random: seededRandom(1), sizeOf });
    const detector = swimDetector(swim);
    const hear = (...messages: Message[]): unknown =>
      step(swim, { type: "receive", now: swim.now, from: { host, port: 9 }, messages });
    for (const [at, name] of ["b", "c", "d"].entries()) {
      hear({ type: "alive", name, host, port: 2 + at, meta: new Uint8Array(0), incarnation: 0 });
    }
    expect(detector.check(0)).toEqual([]);
    hear(
      { type: "suspect", name: "b", incarnation: 0, from: "z" },
      { type: "dead", name: "c", incarnation: 0, from: "z" },
      { type: "dead", name: "d", incarnation: 0, from: "d" },
    );
    expect(detector.check(0).map(({ name, from, to }) => `${name}: ${from}, ${to}`)).toEqual([
      "b: healthy, suspect",
      "c: healthy, failed",
      "d: healthy, failed",
    ]);
    expect(detector.check(0)).toEqual([]);
    expect(detector.state("b", 0)).toBe("suspect");
    expect(detector.state("x", 0)).toBeUndefined();
    expect(detector.inState("failed", 0)).toEqual(["c", "d"]);
    expect(detector.inState("healthy", 0)).toEqual(["a"]);
  });
});
