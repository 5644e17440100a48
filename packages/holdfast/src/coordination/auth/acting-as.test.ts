import { expect, it } from "vitest";
import { actingAs } from "./acting-as.ts";
import { lock } from "../recipes/lock.ts";
import { createMemoryMember } from "../memory-member.ts";
import { openSession } from "../recipes/session.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (code: string) => expect.objectContaining({ code });

it("sessions and locks go by the permissions of the user who acts", async () => {
  const member = createMemoryMember();
  const { auth } = member;
  for (const name of ["root", "billing"]) {
    await auth.change({ type: "userAdd", name, password: name });
    await auth.change({ type: "roleAdd", name });
    await auth.change({ type: "userGrantRole", name, role: name });
  }
  const permission = { type: "readWrite", key: bytes("bills/"), rangeEnd: bytes("bills0") } as const;
  await auth.change({ type: "roleGrantPermission", name: "billing", permission });
  await auth.change({ type: "authEnable" });
  await expect(openSession(member)).rejects.toEqual(code("USER_EMPTY"));
  const { token } = await auth.authenticate({ name: "billing", password: "billing" });
  const own = actingAs(member, { token });
  const session = await openSession(own);
  expect(await lock(session, "bills").withLock(({ held }) => held)).toBe(true);
  await expect(lock(session, "orders").acquire()).rejects.toEqual(code("PERMISSION_DENIED"));
  expect((await own.range({ key: bytes("bills/"), rangeEnd: bytes("bills0") })).count).toBe(0);
  await expect(own.range({ key: bytes("orders") })).rejects.toEqual(code("PERMISSION_DENIED"));
  await expect(
    own.put({ key: bytes("bills/1"), value: bytes("1") }, { credentials: {} as never }),
  ).rejects.toBeDefined();
  await session.close();
  expect((await own.leases()).leases).toEqual([]);
  await member.close();
});
