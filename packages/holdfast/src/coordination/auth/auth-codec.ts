import { MalformedError, type ByteReader, type ByteWriter } from "../../wire/index.ts";
import type { AuthChange, Authentication, Caller, Permission, PermissionType, RoleInfo } from "./auth.ts";
import type { AuthState } from "./auth-store.ts";
import { choose } from "../request-codec.ts";

const changes = [
  "authEnable",
  "authDisable",
  "userAdd",
  "userDelete",
  "userChangePassword",
  "userGrantRole",
  "userRevokeRole",
  "roleAdd",
  "roleDelete",
  "roleGrantPermission",
  "roleRevokePermission",
] as const satisfies readonly AuthChange["type"][];
const permissionTypes: readonly PermissionType[] = ["read", "write", "readWrite"];

export function writeCaller(writer: ByteWriter, { user, authRevision }: Caller): void {
  writer.utf8(user);
  writer.varint(authRevision);
}

export function readCaller(reader: ByteReader): Caller {
  const user = reader.utf8("caller.user");
  return { user, authRevision: reader.varint("caller.authRevision") };
}

export function writeAuthentication(writer: ByteWriter, authentication: Authentication): void {
  writeCaller(writer, authentication);
  writer.utf8(authentication.token);
}

export function readAuthentication(reader: ByteReader): Authentication {
  const caller = readCaller(reader);
  return { ...caller, token: reader.utf8("authenticate.token") };
}

export function writeAuthChange(writer: ByteWriter, change: AuthChange): void {
  writer.u8(changes.indexOf(change.type));
  if (change.type === "authEnable" || change.type === "authDisable") return;
  writer.utf8(change.name);
  if (change.type === "userAdd" || change.type === "userChangePassword") writeHash(writer, change.passwordHash);
  else if (change.type === "userGrantRole" || change.type === "userRevokeRole") writer.utf8(change.role);
  else if (change.type === "roleGrantPermission") writePermission(writer, change.permission);
  else if (change.type === "roleRevokePermission") writeKeys(writer, change);
}

export function readAuthChange(reader: ByteReader): AuthChange {
  const type = choose(reader, "auth.type", changes);
  if (type === "authEnable" || type === "authDisable") return { type };
  const name = reader.utf8("auth.name");
  if (type === "userAdd") return { type, name, ...readHash(reader) };
  if (type === "userGrantRole" || type === "userRevokeRole") return { type, name, role: reader.utf8("auth.role") };
  if (type === "roleGrantPermission") return { type, name, permission: readPermission(reader) };
  if (type === "roleRevokePermission") return { type, name, ...readKeys(reader) };
  if (type !== "userChangePassword") return { type, name };
  const start = reader.offset;
  const { passwordHash } = readHash(reader);
  if (passwordHash === undefined) throw new MalformedError("auth.passwordHash", start, "must be there");
  return { type, name, passwordHash };
}

/** What a snapshot's section of users and roles is made of. */
export type AuthItem =
  | ({ readonly type: "status" } & Pick<AuthState, "enabled" | "revision">)
  | ({ readonly type: "user" } & AuthState["users"][number])
  | ({ readonly type: "role" } & RoleInfo);

const items = ["status", "user", "role"] as const;

export function authItems({ enabled, revision, users, roles }: AuthState): AuthItem[] {
  return [
    { type: "status", enabled, revision },
    ...users.map((user) => ({ type: "user", ...user }) as const),
    ...roles.map((role) => ({ type: "role", ...role }) as const),
  ];
}

export function writeAuthItem(writer: ByteWriter, item: AuthItem): void {
  writer.u8(items.indexOf(item.type));
  if (item.type === "status") {
    writer.u8(item.enabled ? 1 : 0);
    writer.varint(item.revision);
    return;
  }
  writer.utf8(item.name);
  if (item.type === "user") {
    writeHash(writer, item.passwordHash);
    writer.varint(item.roles.length);
    for (const role of item.roles) writer.utf8(role);
  } else {
    writer.varint(item.permissions.length);
    for (const permission of item.permissions) writePermission(writer, permission);
  }
}

/** @throws MalformedError */
export function readAuthItem(reader: ByteReader): AuthItem {
  const type = choose(reader, "auth.item", items);
  if (type === "status") {
    const enabled = choose(reader, "auth.enabled", [false, true]);
    return { type, enabled, revision: reader.varint("auth.revision") };
  }
  const name = reader.utf8("auth.name");
  if (type === "user") {
    const hash = readHash(reader);
    const roles: string[] = [];
    for (let left = reader.count("auth.roles", 1); left > 0; left--) roles.push(reader.utf8("auth.role"));
    return { type, name, ...hash, roles };
  }
  const permissions: Permission[] = [];
  for (let left = reader.count("auth.permissions", 3); left > 0; left--) permissions.push(readPermission(reader));
  return { type, name, permissions };
}

/** The state that items make; without any, that of a cluster that knows no users. */
export function authStateOf(read: readonly AuthItem[]): AuthState {
  let { enabled, revision } = { enabled: false, revision: 1 };
  const users: AuthState["users"][number][] = [];
  const roles: RoleInfo[] = [];
  for (const item of read) {
    if (item.type === "status") ({ enabled, revision } = item);
    else if (item.type === "user") users.push(item);
    else roles.push(item);
  }
  return { enabled, revision, users, roles };
}

function writePermission(writer: ByteWriter, permission: Permission): void {
  writer.u8(permissionTypes.indexOf(permission.type));
  writeKeys(writer, permission);
}

function readPermission(reader: ByteReader): Permission {
  const type = choose(reader, "permission.type", permissionTypes);
  return { type, ...readKeys(reader) };
}

function writeKeys(writer: ByteWriter, { key, rangeEnd }: Pick<Permission, "key" | "rangeEnd">): void {
  writer.sizedBytes(key);
  if (rangeEnd === undefined) writer.varint(0);
  else writer.sizedBytes(rangeEnd);
}

/** Copies: the keys are kept, and what is read here is a view of the log. */
function readKeys(reader: ByteReader): Pick<Permission, "key" | "rangeEnd"> {
  const key = reader.sizedBytes("permission.key").slice();
  const rangeEnd = reader.sizedBytes("permission.rangeEnd");
  return rangeEnd.length === 0 ? { key } : { key, rangeEnd: rangeEnd.slice() };
}

function writeHash(writer: ByteWriter, hash: string | undefined): void {
  writer.u8(hash === undefined ? 0 : 1);
  if (hash !== undefined) writer.utf8(hash);
}

function readHash(reader: ByteReader): { readonly passwordHash?: string } {
  return choose(reader, "auth.hashed", [false, true]) ? { passwordHash: reader.utf8("auth.passwordHash") } : {};
}
