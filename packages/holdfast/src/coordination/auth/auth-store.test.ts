import { describe, expect, it } from "vitest";
import type { AuthChange } from "./auth.ts";
import { AuthStore } from "./auth-store.ts";
import { CoordinationError, type CoordinationErrorCode } from "../coordination-error.ts";
import { keyRange } from "../key-value/key-range.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const range = (from: string, to?: string) => keyRange(bytes(from), to === undefined ? undefined : bytes(to));

function storeAfter(...changes: readonly AuthChange[]): AuthStore {
  const store = new AuthStore();
  for (const change of changes) store.change(change);
  return store;
}

const rootUser: readonly AuthChange[] = [
  { type: "userAdd", name: "root", passwordHash: "r" },
  { type: "userGrantRole", name: "root", role: "root" },
];
const enabled: readonly AuthChange[] = [...rootUser, { type: "authEnable" }];
const grant = (name: string, type: "read" | "write" | "readWrite", key: string, rangeEnd?: string): AuthChange => ({
  type: "roleGrantPermission",
  name,
  permission: { type, key: bytes(key), ...(rangeEnd === undefined ? {} : { rangeEnd: bytes(rangeEnd) }) },
});
const someone: readonly AuthChange[] = [
  { type: "userAdd", name: "ann", passwordHash: "a" },
  { type: "roleAdd", name: "clerk" },
  { type: "userGrantRole", name: "ann", role: "clerk" },
];

function refusal(act: () => unknown): CoordinationErrorCode | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof CoordinationError) return error.code;
    throw error;
  }
}

describe("a change is refused", () => {
  it.each<[CoordinationErrorCode, readonly AuthChange[], AuthChange]>([
    ["ROOT_USER_MISSING", [], { type: "authEnable" }],
    ["ROOT_ROLE_MISSING", rootUser.slice(0, 1), { type: "authEnable" }],
    ["USER_EMPTY", [], { type: "userAdd", name: "" }],
    ["USER_EXISTS", rootUser, { type: "userAdd", name: "root" }],
    ["USER_NOT_FOUND", [], { type: "userDelete", name: "ann" }],
    ["USER_NOT_FOUND", [], { type: "userChangePassword", name: "ann", passwordHash: "x" }],
    ["USER_NOT_FOUND", [], { type: "userGrantRole", name: "ann", role: "root" }],
    ["USER_NOT_FOUND", [], { type: "userRevokeRole", name: "ann", role: "root" }],
    ["ROLE_NOT_FOUND", someone, { type: "userGrantRole", name: "ann", role: "nobody" }],
    ["ROLE_NOT_GRANTED", someone, { type: "userRevokeRole", name: "ann", role: "root" }],
    ["ROLE_EMPTY", [], { type: "roleAdd", name: "" }],
    ["ROLE_EXISTS", someone, { type: "roleAdd", name: "clerk" }],
    ["ROLE_NOT_FOUND", [], { type: "roleDelete", name: "clerk" }],
    ["ROLE_NOT_FOUND", [], grant("clerk", "read", "a")],
    ["PERMISSION_NOT_GRANTED", someone, { type: "roleRevokePermission", name: "clerk", key: bytes("a") }],
    [
      "PERMISSION_NOT_GRANTED",
      [...someone, grant("clerk", "read", "a", "c")],
      { type: "roleRevokePermission", name: "clerk", key: bytes("a") },
    ],
    ["INVALID_AUTH_MANAGEMENT", enabled, { type: "userDelete", name: "root" }],
    ["INVALID_AUTH_MANAGEMENT", enabled, { type: "userRevokeRole", name: "root", role: "root" }],
    ["INVALID_AUTH_MANAGEMENT", enabled, { type: "roleDelete", name: "root" }],
  ])("with %s, and nothing has changed", (code, before, change) => {
    const store = storeAfter(...before);
    const state = store.capture();
    expect(refusal(() => store.change(change))).toBe(code);
    expect(store.capture()).toEqual(state);
  });
});

describe("the revision", () => {
  it("grows with what changes users, roles and permissions, and with nothing else", () => {
    const store = new AuthStore();
    const after = (change: AuthChange): number => {
      store.change(change);
      return store.status().revision;
    };
    expect(store.status()).toEqual({ enabled: false, revision: 1 });
    expect(after(rootUser[0]!)).toBe(2);
    expect(after(rootUser[1]!)).toBe(3);
    expect(after(rootUser[1]!)).toBe(3);
    expect(after({ type: "authEnable" })).toBe(3);
    expect(after({ type: "authEnable" })).toBe(3);
    expect(after({ type: "roleAdd", name: "clerk" })).toBe(4);
    expect(after(grant("clerk", "read", "a"))).toBe(5);
    expect(after({ type: "authDisable" })).toBe(6);
    expect(after({ type: "authDisable" })).toBe(6);
  });
});

describe("who may do what", () => {
  const store = storeAfter(
    ...enabled,
    ...someone,
    grant("clerk", "read", "a", "c"),
    grant("clerk", "read", "c", "e"),
    grant("clerk", "write", "b"),
    grant("clerk", "readWrite", "x", "\0"),
  );
  const { revision } = store.status();
  const ann = { user: "ann", authRevision: revision };
  const root = { user: "root", authRevision: revision };

  it.each<[CoordinationErrorCode | undefined, "read" | "write", string, string | undefined]>([
    [undefined, "read", "a", undefined],
    [undefined, "read", "a", "e"],
    ["PERMISSION_DENIED", "read", "a", "f"],
    ["PERMISSION_DENIED", "read", "e", undefined],
    ["PERMISSION_DENIED", "write", "a", undefined],
    [undefined, "write", "b", undefined],
    ["PERMISSION_DENIED", "write", "b", "c"],
    [undefined, "write", "x", "\0"],
    [undefined, "read", "zz", undefined],
    ["PERMISSION_DENIED", "read", "w", "\0"],
  ])("%s: %s %s..%s", (code, access, from, to) => {
    expect(refusal(() => store.check(ann, access, range(from, to)))).toBe(code);
    expect(refusal(() => store.check(root, access, range(from, to)))).toBeUndefined();
  });

  it("only root administers", () => {
    expect(refusal(() => store.check(ann, "admin"))).toBe("PERMISSION_DENIED");
    expect(refusal(() => store.check(root, "admin"))).toBeUndefined();
  });

  it("nobody without a name, with an old one, or with one that is gone", () => {
    expect(refusal(() => store.check(undefined, "read", range("a")))).toBe("USER_EMPTY");
    expect(refusal(() => store.check({ ...ann, authRevision: revision - 1 }, "read", range("a")))).toBe(
      "AUTH_OLD_REVISION",
    );
    expect(refusal(() => store.check({ ...ann, user: "bob" }, "read", range("a")))).toBe("PERMISSION_DENIED");
  });

  it("everybody while it is not enabled", () => {
    expect(refusal(() => storeAfter(...someone).check(undefined, "write", range("a")))).toBeUndefined();
  });

  it("a permission granted again replaces the one before, and a role deleted takes its permissions along", () => {
    const changed = storeAfter(...enabled, ...someone, grant("clerk", "read", "a"), grant("clerk", "write", "a"));
    const caller = { user: "ann", authRevision: 1000 };
    expect(refusal(() => changed.check(caller, "read", range("a")))).toBe("PERMISSION_DENIED");
    expect(refusal(() => changed.check(caller, "write", range("a")))).toBeUndefined();
    expect(changed.role("clerk").permissions).toHaveLength(1);
    changed.change({ type: "roleDelete", name: "clerk" });
    expect(refusal(() => changed.check(caller, "write", range("a")))).toBe("PERMISSION_DENIED");
    expect(changed.user("ann").roles).toEqual([]);
  });
});

describe("passwords", () => {
  it("are told while enabled, and of nobody else", () => {
    const store = storeAfter(...enabled, { type: "userAdd", name: "ann" });
    expect(store.passwordHash("root")).toBe("r");
    expect(store.passwordHash("ann")).toBeUndefined();
    expect(refusal(() => store.passwordHash("bob"))).toBe("AUTH_FAILED");
    store.change({ type: "userChangePassword", name: "root", passwordHash: "s" });
    expect(store.passwordHash("root")).toBe("s");
    expect(refusal(() => storeAfter(...rootUser).passwordHash("root"))).toBe("AUTH_NOT_ENABLED");
  });
});

it("comes back from what was captured", () => {
  const store = storeAfter(...enabled, ...someone, grant("clerk", "read", "b"), grant("clerk", "read", "a", "c"));
  const other = storeAfter(...someone);
  other.restore(store.capture());
  expect(other.capture()).toEqual(store.capture());
  expect(other.role("clerk").permissions.map(({ key }) => key)).toEqual([bytes("a"), bytes("b")]);
  const caller = { user: "ann", authRevision: other.status().revision };
  expect(refusal(() => other.check(caller, "read", range("a", "c")))).toBeUndefined();
});
