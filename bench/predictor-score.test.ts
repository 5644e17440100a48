import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  alarmLevel,
  brier,
  calibration,
  calibrationError,
  calibrationErrorByChance,
  calibrationErrorByState,
  leadTime,
  reliability,
  rocAuc,
  type Scored,
} from "./predictor-score.ts";

const said = (probability: number, happened: boolean, exceeded = false): Scored => ({
  probability,
  happened,
  exceeded,
});

/** A run of probabilities: `!` at steps where the threshold is reached, `?` where it is in the window that follows. */
function run(text: string): Scored[] {
  return text.split(" ").map((step) => said(Number.parseFloat(step), /[!?]/.test(step), step.endsWith("!")));
}

const anyScored = fc.record({
  probability: fc.integer({ min: 0, max: 20 }).map((n) => n / 20),
  happened: fc.boolean(),
  exceeded: fc.boolean(),
});

describe("rocAuc", () => {
  it.each<[string, readonly Scored[], number]>([
    ["all that happened above all that did not", [said(0.9, true), said(0.8, true), said(0.2, false)], 1],
    ["the other way round", [said(0.1, true), said(0.2, false), said(0.9, false)], 0],
    ["always the same", [said(0.3, true), said(0.3, false), said(0.3, false)], 0.5],
    // 0.8 beats all three; 0.4 loses, ties and beats: 4.5 of 6 pairs.
    ["some of each", [said(0.4, true), said(0.6, false), said(0.8, true), said(0.4, false), said(0.1, false)], 0.75],
  ])("%s", (_, scored, expected) => {
    expect(rocAuc(scored)).toBeCloseTo(expected, 12);
  });

  it("is the share of pairs in the right order, ties half", () => {
    fc.assert(
      fc.property(fc.array(anyScored, { minLength: 2, maxLength: 30 }), (scored) => {
        const positives = scored.filter(({ happened }) => happened);
        const negatives = scored.filter(({ happened }) => !happened);
        fc.pre(positives.length > 0 && negatives.length > 0);
        let right = 0;
        for (const { probability: high } of positives) {
          for (const { probability: low } of negatives) right += high > low ? 1 : high === low ? 0.5 : 0;
        }
        expect(rocAuc(scored)).toBeCloseTo(right / (positives.length * negatives.length), 10);
      }),
    );
  });
});

describe("brier, calibration and reliability", () => {
  it("brier is the mean of the squared errors", () => {
    expect(brier([said(0.8, true), said(0.3, false), said(0.5, true)])).toBeCloseTo((0.04 + 0.09 + 0.25) / 3, 12);
    expect(brier([said(1, true), said(0, false)])).toBe(0);
    expect(brier([said(0, true)])).toBe(1);
  });

  it("predictions are put into ten bins, the first one first, and 1 into the last", () => {
    expect(calibration([said(1, false), said(0.95, true), said(0.05, false), said(0.1, true)])).toEqual([
      { count: 1, predicted: 0.05, happened: 0 },
      { count: 1, predicted: 0.1, happened: 1 },
      { count: 2, predicted: 0.975, happened: 0.5 },
    ]);
  });

  it("their error is that of the bins, by their counts", () => {
    const scored = [said(0.25, true), said(0.25, false), said(0.75, true), said(0.75, true), said(0.75, true)];
    expect(calibrationError(scored)).toBeCloseTo((2 / 5) * 0.25 + (3 / 5) * 0.25, 12);
    expect(reliability(scored)).toBeCloseTo(0.0625, 12);
    const right = [said(0.5, true), said(0.5, false), said(0, false), said(1, true)];
    expect([calibrationError(right), reliability(right)]).toEqual([0, 0]);
  });

  it("one who says the same of both states is found out by state only", () => {
    const scored = [said(0.5, true, true), said(0.5, true, true), said(0.5, false), said(0.5, false)];
    expect(calibrationError(scored)).toBe(0);
    expect(calibrationErrorByState(scored)).toBeCloseTo(0.5, 12);
    // The states count by their steps, and one that never occurred counts nothing.
    expect(calibrationErrorByState([said(0.5, true, true), said(0, false), said(0, false), said(0, false)])).toBe(
      0.125,
    );
    expect(calibrationErrorByState([said(0.25, true)])).toBe(0.75);
  });

  it("all stay between 0 and 1, and reliability is no more than the Brier score", () => {
    fc.assert(
      fc.property(fc.array(anyScored, { minLength: 1, maxLength: 40 }), (scored) => {
        for (const measure of [brier, calibrationError, calibrationErrorByState, reliability]) {
          expect(measure(scored)).toBeGreaterThanOrEqual(0);
          expect(measure(scored)).toBeLessThanOrEqual(1);
        }
        expect(reliability(scored)).toBeLessThanOrEqual(brier(scored) + 1e-12);
      }),
    );
  });
});

describe("calibrationErrorByChance", () => {
  it("is nothing for what is certain, and half for one throw of a coin", () => {
    expect(calibrationErrorByChance([[said(0, true), said(1, false)], [said(1, false)]], 3)).toBe(0);
    expect(calibrationErrorByChance([[said(0.5, true)]], 1)).toBe(0.5);
  });

  it("neighbours within a window fall alike, so that fewer throws err more; the same every time", () => {
    const coins = Array.from({ length: 400 }, () => said(0.5, true));
    const alone = calibrationErrorByChance([coins], 1);
    const together = calibrationErrorByChance([coins], 40);
    // The mean distance of n throws from one half is sqrt(1 / (2 pi n)).
    expect(alone).toBeCloseTo(Math.sqrt(1 / (2 * Math.PI * 400)), 2);
    expect(together).toBeGreaterThan(3 * alone);
    expect(calibrationErrorByChance([coins], 40)).toBe(together);
  });
});

describe("leadTime", () => {
  const lead = (...texts: string[]) => leadTime(texts.map(run), 0.5, 2, 1_000);

  it.each([
    ["two steps before it", ["0.1 0.1 0.6? 0.7? 0.9!"], { meanMs: 2_000, foreseen: 1, onsets: 1, falseAlarms: 0 }],
    ["with a break: from the break on", ["0.1 0.9 0.1? 0.7? 0.9!"], { meanMs: 1_000, foreseen: 1, falseAlarms: 0.5 }],
    ["at the level", ["0.1 0.1? 0.5? 0.9!"], { meanMs: 1_000, foreseen: 1 }],
    ["not at all", ["0.1 0.2? 0.3? 0.9!"], { meanMs: 0, foreseen: 0, onsets: 1 }],
    [
      "for ever: no more than two horizons count",
      ["0.9 0.9 0.9 0.9 0.9 0.9? 0.9? 0.9!"],
      { meanMs: 4_000, foreseen: 1, falseAlarms: 1 },
    ],
    [
      "since the time before: no longer than it was quiet",
      ["0.1 0.9! 0.9! 0.9? 0.9? 0.9!"],
      { meanMs: 2_000, onsets: 1 },
    ],
    ["from the first step of the run", ["0.9? 0.9? 0.9!"], { meanMs: 2_000, foreseen: 1 }],
    ["for one of two", ["0.1? 0.9? 0.9!", "0.1? 0.1? 0.9!"], { meanMs: 500, foreseen: 0.5, onsets: 2 }],
  ])("the alarm came %s", (_, texts, expected) => {
    expect(lead(...texts)).toMatchObject(expected);
  });

  it("only what comes after a whole quiet window is an onset", () => {
    expect(lead("0.9! 0.9! 0.9? 0.1! 0.9? 0.9? 0.9! 0.9!")).toMatchObject({ onsets: 1, meanMs: 2_000 });
    expect(lead("0.9? 0.9!")).toMatchObject({ onsets: 0 });
  });

  it("alarms are false where nothing was and nothing came", () => {
    expect(lead("0.9 0.1 0.6 0.2 0.1? 0.1? 0.9!").falseAlarms).toBe(0.5);
  });
});

describe("alarmLevel", () => {
  it("is passed by no larger share of the quiet steps before nothing than was asked for", () => {
    const quiet = Array.from({ length: 100 }, (_, at) => said(at / 100, false));
    const level = alarmLevel([...quiet, said(1, true), said(1, true, true), said(1, false, true)], 0.05);
    expect(level).toBeCloseTo(0.95, 6);
    expect(quiet.filter(({ probability }) => probability >= level)).toHaveLength(4);
    fc.assert(
      fc.property(
        fc.array(anyScored, { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (scored, share) => {
          const calm = scored.filter(({ exceeded, happened }) => !exceeded && !happened);
          const level = alarmLevel(scored, share);
          const alarms = calm.filter(({ probability }) => probability >= level).length;
          expect(alarms).toBeLessThanOrEqual(share * calm.length);
        },
      ),
    );
  });

  it("is never reached by one who always says the same, nor where there was no quiet step", () => {
    expect(alarmLevel([said(0.3, false), said(0.3, false), said(0.3, true)], 0.5)).toBeGreaterThan(0.3);
    expect(alarmLevel([said(0.9, true)], 0.05)).toBeGreaterThan(1);
  });
});
