import { createMemoryMember } from "holdfast/coordination";
import type { Passwords } from "holdfast/runtime";
import { expect, it } from "vitest";
import { needsRoot, requireRoot } from "./root-methods.ts";
import { statusOf } from "./status.ts";

const passwords: Passwords = {
  hash: async (password) => password,
  verify: async (password, hash) => password === hash,
  token: () => "token",
};

it.each([
  [true, "/etcdserverpb.Cluster/MemberAdd", {}],
  [true, "/etcdserverpb.Maintenance/Snapshot", {}],
  [true, "/etcdserverpb.Maintenance/Alarm", { action: 1 }],
  [true, "/etcdserverpb.Maintenance/Alarm", { action: 2 }],
  [false, "/etcdserverpb.Maintenance/Alarm", { action: 0 }],
  [false, "/etcdserverpb.Maintenance/Status", {}],
  [false, "/etcdserverpb.Cluster/MemberList", {}],
  [false, "/etcdserverpb.KV/Put", {}],
])("%s: %s %o", (expected, path, message) => {
  expect(needsRoot(path, message)).toBe(expected);
});

it("refuses others than root, each service in etcd's words", async () => {
  const member = createMemoryMember({ passwords });
  const refusal = async (path: string, user?: string) => {
    const options = user === undefined ? {} : { credentials: { user } };
    return await requireRoot(member, path, options).then(() => undefined, statusOf);
  };
  const [add, hash] = ["/etcdserverpb.Cluster/MemberAdd", "/etcdserverpb.Maintenance/Hash"] as const;
  expect([await refusal(add), await refusal(hash)]).toEqual([undefined, undefined]);
  await member.auth.change({ type: "userAdd", name: "root", password: "secret" });
  await member.auth.change({ type: "userAdd", name: "ann", password: "pw" });
  await member.auth.change({ type: "userGrantRole", name: "root", role: "root" });
  await member.auth.change({ type: "authEnable" });
  expect(await refusal(add)).toEqual({ code: 3, message: "etcdserver: user name is empty" });
  expect(await refusal(add, "ann")).toEqual({ code: 7, message: "etcdserver: permission denied" });
  expect(await refusal(hash)).toEqual({ code: 2, message: "auth: user name is empty" });
  expect(await refusal(hash, "ann")).toEqual({ code: 2, message: "auth: permission denied" });
  expect([await refusal(add, "root"), await refusal(hash, "root")]).toEqual([undefined, undefined]);
});
