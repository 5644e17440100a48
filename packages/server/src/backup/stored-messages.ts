import protobuf from "protobufjs/light.js";
import type { WireInteger } from "holdfast/adapters/etcd-protocol";
import type { PermissionType } from "holdfast/coordination";

/**
 * What etcd keeps of leases, users and roles (leasepb and authpb of 3.4), which no request or answer carries. Numbers,
 * bytes and text are there when they were written; an absent one is zero.
 */
export interface StoredLeaseMessage {
  readonly ID: WireInteger;
  readonly TTL: WireInteger;
  readonly RemainingTTL: WireInteger;
}

export interface StoredUserMessage {
  readonly name: Uint8Array;
  readonly password: Uint8Array;
  readonly roles: readonly string[];
  readonly options?: { readonly no_password?: boolean };
}

export interface StoredPermissionMessage {
  readonly permType: number;
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
}

export interface StoredRoleMessage {
  readonly name: Uint8Array;
  readonly keyPermission: readonly StoredPermissionMessage[];
}

/** By their number. */
export const permissionTypes: readonly PermissionType[] = ["read", "write", "readWrite"];

/** A message in which anything may be left out. */
type Sparse<T> = T extends string | number | boolean | Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? readonly Sparse<E>[]
    : { readonly [K in keyof T]?: Sparse<T[K]> | undefined };

/** One message: bytes to object and back. */
interface Codec<T> {
  /** @throws Error when the bytes are no such message */
  decode(bytes: Uint8Array): T;
  encode(message: Sparse<T>): Buffer;
}

const root = new protobuf.Root();

function define<T>(
  name: string,
  fields: Readonly<Record<string, readonly [id: number, type: string, rule?: string]>>,
): Codec<T> {
  const type = new protobuf.Type(name);
  for (const [field, [id, kind, rule]] of Object.entries(fields)) type.add(new protobuf.Field(field, id, kind, rule));
  root.add(type);
  return {
    decode: (bytes) => type.decode(bytes) as unknown as T,
    encode: (message) => type.encode(message as object).finish() as Buffer,
  };
}

export const storedLease: Codec<StoredLeaseMessage> = define("Lease", {
  ID: [1, "int64"],
  TTL: [2, "int64"],
  RemainingTTL: [3, "int64"],
});

define("UserAddOptions", { no_password: [1, "bool"] });

export const storedUser: Codec<StoredUserMessage> = define("User", {
  name: [1, "bytes"],
  password: [2, "bytes"],
  roles: [3, "string", "repeated"],
  options: [4, "UserAddOptions"],
});

define("Permission", { permType: [1, "int32"], key: [2, "bytes"], range_end: [3, "bytes"] });

export const storedRole: Codec<StoredRoleMessage> = define("Role", {
  name: [1, "bytes"],
  keyPermission: [2, "Permission", "repeated"],
});
