import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { Calibration } from "./calibration.ts";

const logistic = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds));

/** Tells what came of predictions whose truth is `truth(said)`. */
function tell(calibration: Calibration, count: number, truth: (said: number) => number, seed: number = 1): void {
  const random = seededRandom(seed);
  for (let i = 0; i < count; i++) {
    const said = logistic(8 * random.next() - 4);
    calibration.add(said, random.next() < truth(said));
  }
}

describe("Calibration", () => {
  it("changes nothing before it has seen anything", () => {
    for (const said of [0.001, 0.2, 0.5, 0.97]) expect(new Calibration(6).apply(said)).toBeCloseTo(said, 10);
  });

  it.each([
    ["says too much and too little", (said: number) => logistic(0.4 * Math.log(said / (1 - said)))],
    ["says too much always", (said: number) => logistic(Math.log(said / (1 - said)) - 1.5)],
    ["is too sure below only", (said: number) => logistic(0.3 * Math.log(said) - Math.log(1 - said))],
    ["is right", (said: number) => said],
  ])("finds what is meant by a model that %s", (_, truth) => {
    const calibration = new Calibration(1);
    tell(calibration, 15_000, truth);
    for (const said of [0.05, 0.2, 0.5, 0.8, 0.95]) {
      expect(Math.abs(calibration.apply(said) - truth(said))).toBeLessThan(0.06);
    }
  });

  it("believes the model while there is little to judge by, and less so when predictions overlap", () => {
    const [separate, overlapping] = [new Calibration(1), new Calibration(12)];
    for (const calibration of [separate, overlapping]) tell(calibration, 300, () => 0.1);
    expect(overlapping.apply(0.8)).toBeGreaterThan(0.65);
    expect(separate.apply(0.8)).toBeLessThan(overlapping.apply(0.8) - 0.1);
  });

  it("never makes less of more, even of a model that says the opposite", () => {
    const calibration = new Calibration(1);
    tell(calibration, 15_000, (said) => 1 - said);
    const answers = [0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1].map((said) => calibration.apply(said));
    expect(answers).toEqual(answers.toSorted((a, b) => a - b));
    expect(calibration.apply(0.9)).toBeCloseTo(0.5, 1);
  });

  it("takes certainty for no more than one in ten thousand", () => {
    const calibration = new Calibration(1);
    expect(calibration.apply(1)).toBeCloseTo(0.9999, 10);
    expect(calibration.apply(0)).toBeCloseTo(0.0001, 10);
    for (let i = 0; i < 5_000; i++) calibration.add(i % 2, i % 2 === 1);
    for (const said of [0, 1]) {
      expect(calibration.apply(said)).toBeGreaterThan(0);
      expect(calibration.apply(said)).toBeLessThan(1);
    }
  });

  it("forgets what a model said long ago", () => {
    const calibration = new Calibration(1);
    tell(calibration, 20_000, () => 0.9, 1);
    expect(calibration.apply(0.5)).toBeCloseTo(0.9, 1);
    tell(calibration, 100_000, (said) => said, 2);
    expect(Math.abs(calibration.apply(0.5) - 0.5)).toBeLessThan(0.03);
  });
});
