import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { addAbortListener, removeAbortListener } from "./abort-listeners.ts";

describe("listeners that share a signal", () => {
  it("are all told, in order, once, by one listener of the platform's", () => {
    const controller = new AbortController();
    const told: string[] = [];
    for (const name of ["a", "b", "c"]) addAbortListener(controller.signal, () => told.push(name));
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    controller.abort();
    expect(told).toEqual(["a", "b", "c"]);
    controller.signal.dispatchEvent(new Event("abort"));
    expect(told).toEqual(["a", "b", "c"]);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("leave alone, and with the last one nothing stays on the signal", () => {
    const controller = new AbortController();
    const { signal } = controller;
    const told: string[] = [];
    const [a, b] = ["a", "b"].map((name) => () => void told.push(name)) as [() => void, () => void];
    removeAbortListener(signal, a);
    addAbortListener(signal, a);
    addAbortListener(signal, b);
    removeAbortListener(signal, a);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    removeAbortListener(signal, a);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    removeAbortListener(signal, b);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    addAbortListener(signal, b);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    controller.abort();
    expect(told).toEqual(["b"]);
  });
});
