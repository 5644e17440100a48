import { expect, it } from "vitest";
import { writerSession } from "./writer-session.ts";

it("acknowledges exactly what lies before the oldest write in flight", () => {
  const session = writerSession(5, 7);
  const [first, second, third] = [session.begin(), session.begin(), session.begin()];
  expect([first, second, third].map((sequence) => session.name(sequence))).toEqual(["7/1/0/5", "7/2/0/5", "7/3/0/5"]);
  session.finish(second);
  expect(session.name(third)).toBe("7/3/0/5");
  session.finish(first);
  expect(session.name(third)).toBe("7/3/2/5");
  session.finish(third);
  expect(session.name(session.begin())).toBe("7/4/3/5");
});

it("draws another client each time", () => {
  const clients = Array.from({ length: 50 }, () => {
    const session = writerSession(1);
    return session.name(session.begin()).split("/")[0];
  });
  expect(new Set(clients).size).toBe(50);
});
