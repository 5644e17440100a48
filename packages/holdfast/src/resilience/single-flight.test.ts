import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { singleFlight } from "./single-flight.ts";

const boom = new Error("boom");

describe("singleFlight", () => {
  it("shares a load, also its failure, and starts anew afterwards or when forgotten", async () => {
    const flights = singleFlight<number>();
    let loads = 0;
    const load = (): Promise<number> => Promise.resolve(++loads);
    expect(await Promise.all([flights.run("a", load), flights.run("a", load)])).toEqual([1, 1]);
    const old = flights.run("a", load);
    flights.forget("a");
    expect(await Promise.all([old, flights.run("a", load)])).toEqual([2, 3]);
    const fail = (): Promise<number> => Promise.reject(boom);
    const both = [flights.run("b", fail), flights.run("b", load)];
    expect(await Promise.allSettled(both)).toMatchObject([{ reason: boom }, { reason: boom }]);
    expect(flights.size).toBe(0);
    expect(loads).toBe(3);
  });

  it("refuses whoever was aborted before", async () => {
    await expect(singleFlight().run("a", () => 1, { signal: AbortSignal.abort(boom) })).rejects.toBe(boom);
  });

  it("lets go of whoever gives up, and fails for the others alone", async () => {
    const flights = singleFlight<number>();
    const leaving = new AbortController();
    const staying = new AbortController();
    const { promise, reject } = Promise.withResolvers<number>();
    const left = flights.run("a", () => promise, { signal: leaving.signal });
    const stayed = flights.run("a", () => promise, { signal: staying.signal });
    leaving.abort(boom);
    await expect(left).rejects.toBe(boom);
    expect(flights.size).toBe(1);
    const broken = new Error("broken");
    reject(broken);
    await expect(stayed).rejects.toBe(broken);
    for (const { signal } of [leaving, staying]) expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(flights.size).toBe(0);
  });

  it("a forgotten load that ends does not end the one that follows it", async () => {
    const flights = singleFlight<string>();
    const old = Promise.withResolvers<string>();
    const next = Promise.withResolvers<string>();
    const first = flights.run("a", () => old.promise);
    flights.forget("a");
    const second = flights.run("a", () => next.promise);
    old.resolve("old");
    expect(await first).toBe("old");
    const third = flights.run("a", () => "not loaded");
    next.resolve("next");
    expect(await Promise.all([second, third])).toEqual(["next", "next"]);
  });
});
