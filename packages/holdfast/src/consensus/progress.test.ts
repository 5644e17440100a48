import { describe, expect, it } from "vitest";
import { acknowledge, becomeReplicate, becomeSnapshot, createProgress, reject, type Progress } from "./progress.ts";

function replicating(match: number, inFlight: number[]): Progress {
  const progress = createProgress(match + 1, 0);
  acknowledge(progress, match);
  becomeReplicate(progress);
  progress.inFlight = inFlight;
  progress.next = (inFlight.at(-1) ?? match) + 1;
  return progress;
}

describe("a follower's progress", () => {
  it("frees what an answer covers, and never goes back", () => {
    const progress = replicating(5, [7, 9, 12]);
    expect(acknowledge(progress, 9)).toBe(true);
    expect(progress).toMatchObject({ match: 9, next: 13, inFlight: [12] });
    expect(acknowledge(progress, 7)).toBe(false);
    expect(progress.match).toBe(9);
  });

  it.each([
    ["a hint far back", 12, 6, { next: 7 }],
    ["a hint below what is matched", 12, 2, { next: 6 }],
    ["a hint above what was refused", 12, 40, { next: 12 }],
  ])("falls back to a probe on a refusal with %s", (_, rejected, candidate, expected) => {
    const progress = replicating(5, [12, 13]);
    expect(reject(progress, rejected, candidate)).toBe(true);
    expect(progress).toMatchObject({ mode: "probe", probing: false, inFlight: [], ...expected });
  });

  it("takes no notice of refusals that an earlier message caused", () => {
    const probing = createProgress(10, 0);
    expect(reject(probing, 12, 3)).toBe(false);
    expect(reject(probing, 9, 3)).toBe(true);
    const progress = replicating(5, [12]);
    expect(reject(progress, 5, 3)).toBe(false);
    expect(progress.mode).toBe("replicate");
  });

  it("does not answer at once a follower that lost what it had acknowledged", () => {
    const progress = replicating(50, []);
    progress.mode = "probe";
    progress.probing = true;
    expect(reject(progress, 50, 8)).toBe(false);
    expect(progress).toMatchObject({ probing: true, next: 51 });
  });

  it("forgets what was on its way when a snapshot goes first", () => {
    const progress = replicating(5, [7, 9]);
    becomeSnapshot(progress);
    expect(progress).toMatchObject({ mode: "snapshot", inFlight: [], match: 5 });
  });
});
