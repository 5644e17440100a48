import { describe, expect, it } from "vitest";
import { readReport } from "./failure.ts";
import { decodeRequest } from "./recovery-store.ts";
import { RecoveryScene } from "./testing/recovery-scene.ts";

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe("requests in the store", () => {
  it("are read as they were written", () => {
    const cause = Object.assign(new Error("no route"), { code: "EHOSTUNREACH" });
    const failure = readReport({ type: "down", target: "a", priority: "low", evidence: { n: 1 }, cause });
    for (const request of [
      { type: "failed", failure },
      { type: "recovered", target: "a", failure: null, because: "so" },
      { type: "recovered", target: "a", failure: "down", because: "so" },
      { type: "acknowledged", target: "a", by: "kim", comment: "" },
    ]) {
      expect(decodeRequest(bytes(request))).toEqual(request);
    }
  });

  it.each([
    null,
    [],
    { type: "failed" },
    { type: "failed", failure: { type: "x", target: "" } },
    { type: "failed", failure: { type: "x", target: "a", priority: "urgent" } },
    { type: "recovered", target: 7, failure: null, because: "so" },
    { type: "recovered", target: "a", failure: 7, because: "so" },
    { type: "acknowledged", target: "a" },
    { type: "ended", target: "a", task: "t", attempt: 1, outcome: "succeeded" },
  ])("are refused otherwise: %j", (value) => {
    expect(decodeRequest(bytes(value))).toBe(undefined);
    expect(decodeRequest(new Uint8Array([0xff]))).toBe(undefined);
  });

  it("that nobody can read are removed, and keep nobody from the others", async () => {
    const scene = new RecoveryScene();
    const recovery = scene.recovery({ coordination: scene.member, prefix: "r/" });
    const key = new TextEncoder().encode("r/requests/failed/x/y");
    await scene.member.put({ key, value: bytes({ type: "failed" }) });
    await scene.until(recovery.report({ type: "down", target: "a" }));
    await scene.clock.advance(5_000);
    expect((await scene.until(recovery.snapshot())).closed.map(({ target }) => target)).toEqual(["a"]);
    const span = { key: new TextEncoder().encode("r/requests/"), rangeEnd: new TextEncoder().encode("r/requests0") };
    expect((await scene.member.range(span)).pairs).toEqual([]);
    await scene.close();
    expect(scene.errors).toEqual([]);
  });
});
