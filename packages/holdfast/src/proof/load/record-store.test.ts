import { describe, expect, it } from "vitest";
import { createMemoryMember } from "../../coordination/index.ts";
import { coordinationRecords } from "./record-store.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

describe("records in a coordination service", () => {
  it("are read, inserted, updated and modified", async () => {
    await using member = disposable();
    const records = coordinationRecords(member.coordination);
    expect(await records.read("user1")).toBeUndefined();
    await records.insert("user1", bytes("a"));
    await records.update("user1", bytes("b"));
    await records.readModifyWrite("user1", (value) => bytes(`${text(value)}c`));
    expect(text(await records.read("user1"))).toBe("bc");
    const { pairs } = await member.coordination.range({ key: bytes("load/user1") });
    expect(text(pairs[0]?.value)).toBe("bc");
  });

  it("are scanned from a key on, within the prefix", async () => {
    await using member = disposable();
    const [mine, others] = ["a/", "a0"].map((prefix) => coordinationRecords(member.coordination, { prefix }));
    for (const key of ["1", "2", "3", "4"]) {
      await mine!.insert(key, bytes("v"));
      await others!.insert(key, bytes("v"));
    }
    expect(await Promise.all([mine!.scan("2", 2), mine!.scan("2", 100), mine!.scan("5", 100)])).toEqual([2, 3, 0]);
  });

  it("give up at once when told to", async () => {
    await using member = disposable();
    const records = coordinationRecords(member.coordination);
    const signal = AbortSignal.abort("enough");
    await expect(records.read("user1", { signal })).rejects.toBe("enough");
    await expect(records.insert("user1", bytes("a"), { signal })).rejects.toBe("enough");
  });
});

function disposable(): AsyncDisposable & { readonly coordination: ReturnType<typeof createMemoryMember> } {
  const coordination = createMemoryMember();
  return { coordination, [Symbol.asyncDispose]: () => coordination.close() };
}
