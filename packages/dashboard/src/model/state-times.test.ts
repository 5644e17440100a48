import { expect, it } from "vitest";
import { StateTimes } from "./state-times.ts";

it("tells since when a state is what it is, and whether anybody saw it begin", () => {
  const times = new StateTimes();
  times.look([], 500);
  times.look([["bank", "closed"]], 1_000);
  expect(times.of("bank")).toMatchObject({ atMs: 1_000, isLonger: true });
  times.look(
    [
      ["bank", "closed"],
      ["mail", "open"],
    ],
    2_000,
  );
  expect(times.of("bank")).toMatchObject({ atMs: 1_000, isLonger: true });
  expect(times.of("mail")).toMatchObject({ atMs: 2_000, isLonger: false });
  times.look([["bank", "open"]], 3_000);
  expect(times.of("bank")).toMatchObject({ atMs: 3_000, isLonger: false });
  // What is gone is forgotten.
  expect(times.of("mail")).toBeNull();
  times.clear();
  times.look([["bank", "open"]], 9_000);
  expect(times.of("bank")).toMatchObject({ atMs: 9_000, isLonger: true });
});
