import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { createGuard, fencedTxn } from "./fencing.ts";
import { lock } from "./lock.ts";
import { createMemoryMember } from "../memory-member.ts";
import { openSession } from "./session.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (code: string) => expect.objectContaining({ code });

describe("a guard", () => {
  it("lets in nobody who was overtaken", () => {
    const file: string[] = [];
    const guard = createGuard(file, 4);
    expect(guard.highest).toBe(4);
    expect(guard.use(7, (lines) => lines.push("a"))).toBe(1);
    guard.use(7, (lines) => lines.push("b"));
    expect(() => guard.use(6, (lines) => lines.push("late"))).toThrow(
      "a later holder has already been here: 6 after 7",
    );
    guard.admit(9);
    expect(() => guard.admit(7)).toThrow(code("STALE_TOKEN"));
    expect(guard.highest).toBe(9);
    expect(file).toEqual(["a", "b"]);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses the token %s", (token) => {
    expect(() => createGuard(undefined).admit(token)).toThrow("guard.token must be an integer >= 1");
  });
});

describe("a fenced transaction", () => {
  const put = (value: string) => ({
    compare: [],
    success: [{ type: "put", request: { key: bytes("balance"), value: bytes(value) } }] as const,
    failure: [],
  });

  it("is applied for the holder alone", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    const [one, two] = [await openSession(member, { clock }), await openSession(member, { clock })];
    const first = await lock(one, "l").acquire();
    const answer = await fencedTxn(member, first, put("1"));
    expect(answer).toMatchObject({ succeeded: true, responses: [{ type: "put" }], header: { memberId: member.id } });
    const waiting = lock(two, "l").acquire();
    await member.leaseRevoke({ id: one.leaseId });
    // Its holder has not heard of it.
    expect(first.held).toBe(true);
    const second = await waiting;
    await fencedTxn(member, second, put("2"));
    const { revision } = member.status();
    await expect(fencedTxn(member, first, put("3"))).rejects.toEqual(code("LOCK_LOST"));
    expect(member.status().revision).toBe(revision);
    expect((await member.range({ key: bytes("balance") })).pairs[0]?.value).toEqual(bytes("2"));
    for (const session of [one, two]) await session.close();
  });

  it("has conditions of its own", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    const session = await openSession(member, { clock });
    const held = await lock(session, "l").acquire();
    const answer = await fencedTxn(member, held, {
      compare: [{ key: bytes("balance"), target: "version", result: "equal", operand: 5 }],
      success: [],
      failure: [{ type: "range", request: { key: bytes("balance") } }],
    });
    expect(answer).toMatchObject({ succeeded: false, responses: [{ type: "range", response: { count: 0 } }] });
    await session.close();
  });
});
