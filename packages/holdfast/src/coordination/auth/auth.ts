/** Users, roles and permissions as etcd has them (3.4). Names are text; `root` is the name of the user and the role that may do all. */
export const rootName = "root";

export type PermissionType = "read" | "write" | "readWrite";

/** What a role may do to one key, or to the keys of a range; `rangeEnd` as in RangeRequest. */
export interface Permission {
  readonly type: PermissionType;
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
}

/**
 * What changes users and roles. A password travels as its hash: `passwordHash` is absent of a user that has none, who can
 * only come with a certificate.
 */
export type AuthChange =
  | { readonly type: "authEnable" }
  | { readonly type: "authDisable" }
  | { readonly type: "userAdd"; readonly name: string; readonly passwordHash?: string }
  | { readonly type: "userDelete"; readonly name: string }
  | { readonly type: "userChangePassword"; readonly name: string; readonly passwordHash: string }
  | { readonly type: "userGrantRole"; readonly name: string; readonly role: string }
  | { readonly type: "userRevokeRole"; readonly name: string; readonly role: string }
  | { readonly type: "roleAdd"; readonly name: string }
  | { readonly type: "roleDelete"; readonly name: string }
  | { readonly type: "roleGrantPermission"; readonly name: string; readonly permission: Permission }
  | {
      readonly type: "roleRevokePermission";
      readonly name: string;
      readonly key: Uint8Array;
      readonly rangeEnd?: Uint8Array;
    };

export interface AuthStatus {
  readonly enabled: boolean;
  /** Grows with every change of users, roles and permissions; from 1. */
  readonly revision: number;
}

/** On whose behalf a request is made, as the member that took it knew it. */
export interface Caller {
  readonly user: string;
  /** The users' revision when the caller was recognised: a request that is overtaken by a change is refused and asked again. */
  readonly authRevision: number;
}

/** Users and roles, to read. */
export interface UserInfo {
  readonly name: string;
  /** In ascending order. */
  readonly roles: readonly string[];
}

export interface RoleInfo {
  readonly name: string;
  /** In ascending order of key, then of range end. */
  readonly permissions: readonly Permission[];
}

/** Who asks: by a token that `authenticate` gave, or by name, where whoever passes the request on vouches for the user. */
export type Credentials = { readonly token: string } | { readonly user: string };

/** A change as it is asked for, with passwords in the place of their hashes. */
export type AuthRequest =
  | Exclude<AuthChange, { readonly type: "userAdd" | "userChangePassword" }>
  | { readonly type: "userAdd"; readonly name: string; readonly password?: string }
  | { readonly type: "userChangePassword"; readonly name: string; readonly password: string };

export interface AuthChangeResponse {
  /** After the change. */
  readonly authRevision: number;
}

/** A token that shall be known for a user whose password was right while the users were as of `authRevision`. */
export interface Authentication extends Caller {
  readonly token: string;
}

export interface AuthenticateRequest {
  readonly name: string;
  readonly password: string;
}

export interface AuthenticateResponse {
  /** Good on every member, until it is not used for five minutes, or the user's password changes. */
  readonly token: string;
}
