import type { AuthRequest, Permission, PermissionType } from "holdfast/coordination";
import { grpcCode } from "../grpc/status-code.ts";
import { unary, type Method } from "./method.ts";
import { bytes } from "./requests.ts";
import { fromHeader } from "./responses.ts";
import type { MessageName } from "holdfast/adapters/etcd-protocol";
import { RequestError } from "./status.ts";
import type { WireMessage } from "./wire-type.ts";

/** Every field that a request of this service may have; those that its own has not are undefined. */
interface AuthMessage {
  readonly name: string;
  readonly user: string;
  readonly role: string;
  readonly password: string;
  readonly options: { readonly no_password: boolean } | null;
  readonly perm: PermissionMessage | null;
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
}

interface PermissionMessage {
  readonly permType: number;
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
}

const permissionTypes: readonly PermissionType[] = ["read", "write", "readWrite"];

/** A method that changes users, roles or permissions. In gRPC some go by a shorter name than their messages. */
function changing(
  message: MessageName & `${string}Request`,
  gatewayPath: string,
  toRequest: (message: AuthMessage) => AuthRequest,
): Method {
  const name = message.slice(0, -"Request".length);
  return unary(
    [pathOf(name), gatewayPath, message, `${name}Response` as MessageName],
    async (member, { message: asked, options }) => {
      const { header } = await member.auth.change(toRequest(asked as AuthMessage), options);
      return { header: fromHeader(header) };
    },
  );
}

function pathOf(name: string): string {
  return `/etcdserverpb.Auth/${/^Auth(?:User|Role)/.test(name) ? name.slice("Auth".length) : name}`;
}

/** etcdserverpb.Auth */
export const authMethods: readonly Method[] = [
  changing("AuthEnableRequest", "/auth/enable", () => ({ type: "authEnable" })),
  changing("AuthDisableRequest", "/auth/disable", () => ({ type: "authDisable" })),
  changing("AuthUserAddRequest", "/auth/user/add", ({ name, password, options }) =>
    options?.no_password === true ? { type: "userAdd", name } : { type: "userAdd", name, password },
  ),
  changing("AuthUserDeleteRequest", "/auth/user/delete", ({ name }) => ({ type: "userDelete", name })),
  changing("AuthUserChangePasswordRequest", "/auth/user/changepw", ({ name, password }) => ({
    type: "userChangePassword",
    name,
    password,
  })),
  changing("AuthUserGrantRoleRequest", "/auth/user/grant", ({ user, role }) => ({
    type: "userGrantRole",
    name: user,
    role,
  })),
  changing("AuthUserRevokeRoleRequest", "/auth/user/revoke", ({ name, role }) => ({
    type: "userRevokeRole",
    name,
    role,
  })),
  changing("AuthRoleAddRequest", "/auth/role/add", ({ name }) => ({ type: "roleAdd", name })),
  changing("AuthRoleDeleteRequest", "/auth/role/delete", ({ role }) => ({ type: "roleDelete", name: role })),
  changing("AuthRoleGrantPermissionRequest", "/auth/role/grant", ({ name, perm }) => ({
    type: "roleGrantPermission",
    name,
    permission: toPermission(perm),
  })),
  changing("AuthRoleRevokePermissionRequest", "/auth/role/revoke", ({ role, key, range_end }) => ({
    type: "roleRevokePermission",
    name: role,
    key: bytes(key),
    rangeEnd: bytes(range_end),
  })),
  unary(
    [pathOf("Authenticate"), "/auth/authenticate", "AuthenticateRequest", "AuthenticateResponse"],
    async (member, { message, options }) => {
      const { name, password } = message as AuthMessage;
      const { token, header } = await member.auth.authenticate({ name, password }, options);
      return { header: fromHeader(header), token };
    },
  ),
  // Of etcd 3.5; 3.4 has no such method.
  unary(
    [pathOf("AuthStatus"), "/auth/status", "AuthStatusRequest", "AuthStatusResponse"],
    async (member, { options }) => {
      const { enabled, revision, header } = await member.auth.status(options);
      return { header: fromHeader(header), enabled: enabled || undefined, authRevision: revision };
    },
  ),
  unary(
    [pathOf("AuthUserGet"), "/auth/user/get", "AuthUserGetRequest", "AuthUserGetResponse"],
    async (member, { message, options }) => {
      const { roles, header } = await member.auth.user((message as AuthMessage).name, options);
      return { header: fromHeader(header), roles };
    },
  ),
  unary(
    [pathOf("AuthUserList"), "/auth/user/list", "AuthUserListRequest", "AuthUserListResponse"],
    async (member, { options }) => {
      const { users, header } = await member.auth.users(options);
      return { header: fromHeader(header), users };
    },
  ),
  unary(
    [pathOf("AuthRoleGet"), "/auth/role/get", "AuthRoleGetRequest", "AuthRoleGetResponse"],
    async (member, { message, options }) => {
      const { permissions, header } = await member.auth.role((message as AuthMessage).role, options);
      return { header: fromHeader(header), perm: permissions.map(fromPermission) };
    },
  ),
  unary(
    [pathOf("AuthRoleList"), "/auth/role/list", "AuthRoleListRequest", "AuthRoleListResponse"],
    async (member, { options }) => {
      const { roles, header } = await member.auth.roles(options);
      return { header: fromHeader(header), roles };
    },
  ),
];

function toPermission(message: PermissionMessage | null): Permission {
  // etcd 3.4 crashes when it is absent; what later versions say.
  if (message === null) throw new RequestError(grpcCode.INVALID_ARGUMENT, "etcdserver: permission not given");
  const type = permissionTypes[message.permType];
  if (type === undefined) {
    const text = `holdfast: a permission's type must be READ, WRITE or READWRITE (got ${message.permType})`;
    throw new RequestError(grpcCode.INVALID_ARGUMENT, text);
  }
  return { type, key: bytes(message.key), rangeEnd: bytes(message.range_end) };
}

function fromPermission({ type, key, rangeEnd }: Permission): WireMessage {
  return {
    permType: permissionTypes.indexOf(type) || undefined,
    key: key.length === 0 ? undefined : key,
    range_end: rangeEnd,
  };
}
