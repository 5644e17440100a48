import { describe, expect, it } from "vitest";
import type { Passwords } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { tokenLifeMs } from "./auth-tokens.ts";
import type { Credentials } from "./auth.ts";
import type { Member } from "../coordination.ts";
import { createMemoryMember } from "../memory-member.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const root = { credentials: { user: "root" } };
const key = bytes("k");
const all = { key: bytes("\0"), rangeEnd: bytes("\0") };

/** Passwords that cost nothing; `working` and `most` count those under way. */
function quickPasswords() {
  let drawn = 0;
  const counted = { working: 0, most: 0, checked: 0 };
  const work = async <T>(result: T): Promise<T> => {
    counted.most = Math.max(counted.most, ++counted.working);
    await Promise.resolve();
    counted.working--;
    return result;
  };
  const passwords: Passwords = {
    hash: (password) => work(`hash of ${password}`),
    verify(password, hash) {
      counted.checked++;
      return work(hash === `hash of ${password}`);
    },
    token: () => `token${++drawn}`,
  };
  return { passwords, counted };
}

/** A member with root, and ann who may read and write k, enabled. */
async function enabled(member: Member): Promise<Member> {
  const { auth } = member;
  await auth.change({ type: "userAdd", name: "root", password: "secret" });
  await auth.change({ type: "userGrantRole", name: "root", role: "root" });
  await auth.change({ type: "userAdd", name: "ann", password: "pw" });
  await auth.change({ type: "roleAdd", name: "clerk" });
  await auth.change({ type: "roleGrantPermission", name: "clerk", permission: { type: "readWrite", key } });
  await auth.change({ type: "userGrantRole", name: "ann", role: "clerk" });
  await auth.change({ type: "authEnable" });
  return member;
}

async function start() {
  const clock = new VirtualClock();
  const quick = quickPasswords();
  const member = await enabled(createMemoryMember({ clock, passwords: quick.passwords }));
  const login = async (name: string, password: string): Promise<{ readonly credentials: Credentials }> => {
    const { token } = await member.auth.authenticate({ name, password });
    return { credentials: { token } };
  };
  return { member, clock, login, counted: quick.counted };
}

const refused = (code: string): object => expect.objectContaining({ code });

describe("a token", () => {
  it("stands for its user, until it is not used for long", async () => {
    const { member, clock, login } = await start();
    const ann = await login("ann", "pw");
    await member.put({ key, value: bytes("1") }, ann);
    for (let round = 0; round < 3; round++) {
      await clock.advance(tokenLifeMs - 1);
      expect((await member.range({ key }, ann)).count).toBe(1);
    }
    await expect(member.range(all, ann)).rejects.toEqual(refused("PERMISSION_DENIED"));
    await clock.advance(tokenLifeMs);
    await expect(member.range({ key }, ann)).rejects.toEqual(refused("INVALID_AUTH_TOKEN"));
  });

  it("is void after a new password, the user's end, and the end of all", async () => {
    const { member, login } = await start();
    const [ann, admin] = [await login("ann", "pw"), await login("root", "secret")];
    await member.auth.change({ type: "userChangePassword", name: "ann", password: "new" }, admin);
    await expect(member.range({ key }, ann)).rejects.toEqual(refused("INVALID_AUTH_TOKEN"));
    await expect(login("ann", "pw")).rejects.toEqual(refused("AUTH_FAILED"));
    const again = await login("ann", "new");
    await member.auth.change({ type: "userDelete", name: "ann" }, admin);
    await expect(member.range({ key }, again)).rejects.toEqual(refused("INVALID_AUTH_TOKEN"));
    await member.auth.change({ type: "authDisable" }, admin);
    expect((await member.range(all, admin)).count).toBe(0);
    await member.auth.change({ type: "authEnable" });
    await expect(member.range(all, admin)).rejects.toEqual(refused("INVALID_AUTH_TOKEN"));
  });

  // Digits after a token's dot only tell from when on it is known: the secret is before it.
  it.each(["", "token1", ".1", "other.1", "other.", "other.x", "other.999999", "other.99999999999999999"])(
    "is not %j",
    async (token) => {
      const { member, login } = await start();
      await login("ann", "pw");
      const stranger = { credentials: { token } };
      await expect(member.range({ key }, stranger)).rejects.toEqual(refused("INVALID_AUTH_TOKEN"));
      await expect(member.put({ key, value: key }, stranger)).rejects.toEqual(refused("INVALID_AUTH_TOKEN"));
    },
  );
});

describe("a password", () => {
  it("is checked for unknown users, too, and for those without", async () => {
    const { member, login, counted } = await start();
    await member.auth.change({ type: "userAdd", name: "certified" }, root);
    for (const [name, password] of [
      ["ann", "wrong"],
      ["nobody", "pw"],
      ["certified", ""],
    ] as const) {
      const { checked } = counted;
      await expect(login(name, password)).rejects.toEqual(refused("AUTH_FAILED"));
      expect(counted.checked).toBe(checked + 1);
    }
  });

  it("of no user is asked for while users are not enabled", async () => {
    const member = createMemoryMember({ passwords: quickPasswords().passwords });
    await expect(member.auth.authenticate({ name: "a", password: "b" })).rejects.toEqual(refused("AUTH_NOT_ENABLED"));
  });

  it("is worked on with few others at a time, and many are turned away", async () => {
    const { login, counted } = await start();
    const tried = await Promise.allSettled(Array.from({ length: 300 }, () => login("ann", "pw")));
    expect(counted.most).toBe(2);
    expect(tried.filter(({ status }) => status === "fulfilled")).toHaveLength(258);
    const failures = tried.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
    expect(failures).toEqual(Array(42).fill(refused("TOO_MANY_REQUESTS")));
    await login("ann", "pw");
  });

  it("is not hashed for whoever may not set it", async () => {
    const { member, login, counted } = await start();
    const ann = await login("ann", "pw");
    counted.most = 0;
    const change = { type: "userAdd", name: "eve", password: "x" } as const;
    await expect(member.auth.change(change, ann)).rejects.toEqual(refused("PERMISSION_DENIED"));
    await expect(member.auth.change(change)).rejects.toEqual(refused("USER_EMPTY"));
    expect(counted.most).toBe(0);
  });

  it("that changes while it is checked is checked again", async () => {
    const quick = quickPasswords().passwords;
    let during = async (): Promise<void> => undefined;
    const passwords: Passwords = {
      ...quick,
      async verify(password, hash) {
        const isRight = await quick.verify(password, hash);
        await during();
        return isRight;
      },
    };
    const member = await enabled(createMemoryMember({ passwords }));
    let changes = 0;
    during = async () => {
      if (changes++ === 0) await member.auth.change({ type: "userChangePassword", name: "ann", password: "new" }, root);
    };
    await expect(member.auth.authenticate({ name: "ann", password: "pw" })).rejects.toEqual(refused("AUTH_FAILED"));
    expect(changes).toBe(2);
  });

  it("is kept by Node's crypto where nothing else is given", async () => {
    const member = await enabled(createMemoryMember());
    const { token } = await member.auth.authenticate({ name: "ann", password: "pw" });
    expect(token).toMatch(/^[0-9a-f]{32}\.\d+$/);
  });
});

describe("reads", () => {
  it("are judged, each by what it tells", async () => {
    const { member, login } = await start();
    const ann = await login("ann", "pw");
    const { id } = await member.leaseGrant({ ttlSeconds: 60 }, ann);
    await member.put({ key: bytes("other"), value: key, lease: id }, root);
    const asked: [string | undefined, (options: object) => Promise<unknown>][] = [
      [undefined, (options) => member.range({ key }, options)],
      [undefined, (options) => member.range({ key, serializable: true }, options)],
      ["PERMISSION_DENIED", (options) => member.range(all, options)],
      ["PERMISSION_DENIED", (options) => member.range({ ...all, countOnly: true, serializable: true }, options)],
      [
        "PERMISSION_DENIED",
        (options) =>
          member.txn(
            { compare: [], success: [{ type: "range", request: { key: bytes("other") } }], failure: [] },
            options,
          ),
      ],
      [undefined, async (options) => (await member.watch({ key }, options)).close()],
      ["PERMISSION_DENIED", (options) => member.watch(all, options)],
      ["PERMISSION_DENIED", (options) => member.watch({ key: new Uint8Array(0), rangeEnd: bytes("\0") }, options)],
      ["PERMISSION_DENIED", (options) => member.leaseTimeToLive({ id, keys: true }, options)],
      [undefined, (options) => member.auth.user("ann", options)],
      ["PERMISSION_DENIED", (options) => member.auth.user("root", options)],
      [undefined, (options) => member.auth.role("clerk", options)],
      ["PERMISSION_DENIED", (options) => member.auth.role("root", options)],
      ["PERMISSION_DENIED", (options) => member.auth.users(options)],
      ["PERMISSION_DENIED", (options) => member.auth.roles(options)],
      ["PERMISSION_DENIED", (options) => member.auth.status(options)],
      ["PERMISSION_DENIED", (options) => member.auth.requireRoot(options)],
    ];
    for (const [code, ask] of asked) {
      if (code === undefined) await ask(ann);
      else await expect(ask(ann)).rejects.toEqual(refused(code));
      await expect(ask({})).rejects.toEqual(refused("USER_EMPTY"));
    }
    for (const [, ask] of asked.filter((_, at) => at !== 12)) await ask(root);
    expect(await member.leaseTimeToLive({ id })).toMatchObject({ keys: [] });
  });

  it("tell users, roles and whether they count", async () => {
    const { member } = await start();
    expect(await member.auth.users(root)).toMatchObject({ users: ["ann", "root"] });
    expect(await member.auth.user("ann", root)).toMatchObject({ name: "ann", roles: ["clerk"] });
    expect(await member.auth.roles(root)).toMatchObject({ roles: ["clerk"] });
    expect(await member.auth.role("clerk", root)).toMatchObject({ permissions: [{ type: "readWrite", key }] });
    expect(await member.auth.status(root)).toMatchObject({ enabled: true, revision: 7 });
  });
});
