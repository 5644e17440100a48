import type { FieldSpec } from "./schema.ts";

/** The messages of etcd's Auth service, as `schema.ts` has the others. */

export type AuthMessageName =
  | "AuthEnableRequest"
  | "AuthEnableResponse"
  | "AuthDisableRequest"
  | "AuthDisableResponse"
  | "AuthStatusRequest"
  | "AuthStatusResponse"
  | "AuthenticateRequest"
  | "AuthenticateResponse"
  | "UserAddOptions"
  | "AuthUserAddRequest"
  | "AuthUserAddResponse"
  | "AuthUserGetRequest"
  | "AuthUserGetResponse"
  | "AuthUserListRequest"
  | "AuthUserListResponse"
  | "AuthUserDeleteRequest"
  | "AuthUserDeleteResponse"
  | "AuthUserChangePasswordRequest"
  | "AuthUserChangePasswordResponse"
  | "AuthUserGrantRoleRequest"
  | "AuthUserGrantRoleResponse"
  | "AuthUserRevokeRoleRequest"
  | "AuthUserRevokeRoleResponse"
  | "Permission"
  | "AuthRoleAddRequest"
  | "AuthRoleAddResponse"
  | "AuthRoleGetRequest"
  | "AuthRoleGetResponse"
  | "AuthRoleListRequest"
  | "AuthRoleListResponse"
  | "AuthRoleDeleteRequest"
  | "AuthRoleDeleteResponse"
  | "AuthRoleGrantPermissionRequest"
  | "AuthRoleGrantPermissionResponse"
  | "AuthRoleRevokePermissionRequest"
  | "AuthRoleRevokePermissionResponse";

const headerOnly = { header: [1, "ResponseHeader"] } as const;

export const authMessages: Readonly<Record<AuthMessageName, Readonly<Record<string, FieldSpec>>>> = {
  AuthEnableRequest: {},
  AuthEnableResponse: headerOnly,
  AuthDisableRequest: {},
  AuthDisableResponse: headerOnly,
  AuthStatusRequest: {},
  AuthStatusResponse: { ...headerOnly, enabled: [2, "bool"], authRevision: [3, "uint64"] },
  AuthenticateRequest: { name: [1, "string"], password: [2, "string"] },
  AuthenticateResponse: { ...headerOnly, token: [2, "string"] },
  UserAddOptions: { no_password: [1, "bool"] },
  AuthUserAddRequest: { name: [1, "string"], password: [2, "string"], options: [3, "UserAddOptions"] },
  AuthUserAddResponse: headerOnly,
  AuthUserGetRequest: { name: [1, "string"] },
  AuthUserGetResponse: { ...headerOnly, roles: [2, "string", "repeated"] },
  AuthUserListRequest: {},
  AuthUserListResponse: { ...headerOnly, users: [2, "string", "repeated"] },
  AuthUserDeleteRequest: { name: [1, "string"] },
  AuthUserDeleteResponse: headerOnly,
  AuthUserChangePasswordRequest: { name: [1, "string"], password: [2, "string"] },
  AuthUserChangePasswordResponse: headerOnly,
  AuthUserGrantRoleRequest: { user: [1, "string"], role: [2, "string"] },
  AuthUserGrantRoleResponse: headerOnly,
  AuthUserRevokeRoleRequest: { name: [1, "string"], role: [2, "string"] },
  AuthUserRevokeRoleResponse: headerOnly,
  Permission: { permType: [1, "PermissionType"], key: [2, "bytes"], range_end: [3, "bytes"] },
  AuthRoleAddRequest: { name: [1, "string"] },
  AuthRoleAddResponse: headerOnly,
  AuthRoleGetRequest: { role: [1, "string"] },
  AuthRoleGetResponse: { ...headerOnly, perm: [2, "Permission", "repeated"] },
  AuthRoleListRequest: {},
  AuthRoleListResponse: { ...headerOnly, roles: [2, "string", "repeated"] },
  AuthRoleDeleteRequest: { role: [1, "string"] },
  AuthRoleDeleteResponse: headerOnly,
  AuthRoleGrantPermissionRequest: { name: [1, "string"], perm: [2, "Permission"] },
  AuthRoleGrantPermissionResponse: headerOnly,
  AuthRoleRevokePermissionRequest: { role: [1, "string"], key: [2, "bytes"], range_end: [3, "bytes"] },
  AuthRoleRevokePermissionResponse: headerOnly,
};
