import {
  rootName,
  type AuthChange,
  type AuthStatus,
  type Caller,
  type Permission,
  type RoleInfo,
  type UserInfo,
} from "./auth.ts";
import { KeyCover } from "./auth-ranges.ts";
import { textOf } from "../byte-text.ts";
import { CoordinationError } from "../coordination-error.ts";
import { keyRange, type KeyRange } from "../key-value/key-range.ts";

interface User {
  readonly passwordHash: string | undefined;
  readonly roles: ReadonlySet<string>;
}

/** What a user may do, worked out from the roles. */
interface Rights {
  readonly isRoot: boolean;
  readonly readable: KeyCover;
  readonly writable: KeyCover;
}

/** The whole of it, for snapshots. Users and roles in ascending order of name. */
export interface AuthState extends AuthStatus {
  readonly users: readonly (UserInfo & { readonly passwordHash?: string })[];
  readonly roles: readonly RoleInfo[];
}

/**
 * Users, roles and permissions with etcd's rules (3.4). Replicated: changed only by what the log holds, alike on every member.
 */
export class AuthStore {
  #enabled = false;
  #revision = 1;
  #users = new Map<string, User>();
  /** By role, then by the text of key and range end. */
  #roles = new Map<string, Map<string, Permission>>();
  readonly #rights = new Map<string, Rights>();

  get enabled(): boolean {
    return this.#enabled;
  }

  status(): AuthStatus {
    return { enabled: this.#enabled, revision: this.#revision };
  }

  /** @throws CoordinationError that names the rule which refuses the change */
  change(change: AuthChange): void {
    switch (change.type) {
      case "authEnable":
        return this.#enable();
      case "authDisable":
        if (this.#enabled) {
          this.#enabled = false;
          this.#changed();
        }
        return;
      case "userAdd":
        return this.#addUser(change.name, change.passwordHash);
      case "userDelete":
        this.#protectRoot(change.name);
        this.#user(change.name);
        this.#users.delete(change.name);
        return this.#changed();
      case "userChangePassword":
        this.#changePassword(change.name, change.passwordHash);
        return this.#changed();
      case "userGrantRole":
        return this.#grantRole(change.name, change.role);
      case "userRevokeRole":
        return this.#revokeRole(change.name, change.role);
      case "roleAdd":
        if (change.name === "") throw new CoordinationError("ROLE_EMPTY");
        if (this.#roles.has(change.name)) throw new CoordinationError("ROLE_EXISTS");
        this.#roles.set(change.name, new Map());
        return this.#changed();
      case "roleDelete":
        return this.#deleteRole(change.name);
      case "roleGrantPermission":
        this.#role(change.name).set(placeOf(change.permission), change.permission);
        return this.#changed();
      case "roleRevokePermission":
        if (!this.#role(change.name).delete(placeOf(change))) throw new CoordinationError("PERMISSION_NOT_GRANTED");
        this.#changed();
    }
  }

  /** The hash of the password, undefined when the user has none. @throws CoordinationError AUTH_NOT_ENABLED, AUTH_FAILED */
  passwordHash(name: string): string | undefined {
    if (!this.#enabled) throw new CoordinationError("AUTH_NOT_ENABLED");
    const user = this.#users.get(name);
    if (user === undefined) throw new CoordinationError("AUTH_FAILED");
    return user.passwordHash;
  }

  hasUser(name: string): boolean {
    return this.#users.has(name);
  }

  /**
   * @param keys undefined for what only root may do
   * @throws CoordinationError USER_EMPTY without a caller, AUTH_OLD_REVISION, PERMISSION_DENIED; nothing while not enabled
   */
  check(caller: Caller | undefined, access: "read" | "write" | "admin", keys?: KeyRange): void {
    if (!this.#enabled) return;
    this.requireCaller(caller);
    const rights = caller && this.#rightsOf(caller.user);
    if (rights?.isRoot === true) return;
    const cover = access === "read" ? rights?.readable : access === "write" ? rights?.writable : undefined;
    if (keys === undefined || cover?.covers(keys) !== true) throw new CoordinationError("PERMISSION_DENIED");
  }

  /** @throws CoordinationError USER_EMPTY without a caller, AUTH_OLD_REVISION; nothing while not enabled */
  requireCaller(caller: Caller | undefined): void {
    if (!this.#enabled) return;
    if (caller === undefined) throw new CoordinationError("USER_EMPTY");
    if (caller.authRevision < this.#revision) throw new CoordinationError("AUTH_OLD_REVISION");
  }

  /**
   * For what any user may do, and nobody without a name.
   *
   * @throws CoordinationError USER_EMPTY without a caller, PERMISSION_DENIED for one that is gone; nothing while not enabled
   */
  requireUser(caller: Caller | undefined): void {
    if (!this.#enabled) return;
    if (caller === undefined) throw new CoordinationError("USER_EMPTY");
    if (!this.#users.has(caller.user)) throw new CoordinationError("PERMISSION_DENIED");
  }

  /** @throws CoordinationError USER_NOT_FOUND */
  user(name: string): UserInfo {
    return { name, roles: [...this.#user(name).roles].sort() };
  }

  /** @throws CoordinationError ROLE_NOT_FOUND */
  role(name: string): RoleInfo {
    return { name, permissions: sortedPermissions(this.#role(name)) };
  }

  /** In ascending order. */
  userNames(): readonly string[] {
    return [...this.#users.keys()].sort();
  }

  /** In ascending order. */
  roleNames(): readonly string[] {
    return [...this.#roles.keys()].sort();
  }

  capture(): AuthState {
    return {
      ...this.status(),
      users: this.userNames().map((name) => {
        const { passwordHash } = this.#user(name);
        return { ...this.user(name), ...(passwordHash === undefined ? {} : { passwordHash }) };
      }),
      roles: this.roleNames().map((name) => this.role(name)),
    };
  }

  restore(state: AuthState): void {
    this.#enabled = state.enabled;
    this.#revision = state.revision;
    this.#users = new Map(
      state.users.map(({ name, passwordHash, roles }) => [name, { passwordHash, roles: new Set(roles) }]),
    );
    this.#roles = new Map(
      state.roles.map(({ name, permissions }) => [
        name,
        new Map(permissions.map((permission) => [placeOf(permission), permission])),
      ]),
    );
    this.#rights.clear();
  }

  #enable(): void {
    if (this.#enabled) return;
    const root = this.#users.get(rootName);
    if (root === undefined) throw new CoordinationError("ROOT_USER_MISSING");
    if (!root.roles.has(rootName)) throw new CoordinationError("ROOT_ROLE_MISSING");
    this.#enabled = true;
  }

  #addUser(name: string, passwordHash: string | undefined): void {
    if (name === "") throw new CoordinationError("USER_EMPTY");
    if (this.#users.has(name)) throw new CoordinationError("USER_EXISTS");
    this.#users.set(name, { passwordHash, roles: new Set() });
    this.#changed();
  }

  /** A user that was made without a password goes on without. */
  #changePassword(name: string, passwordHash: string): void {
    const user = this.#user(name);
    if (user.passwordHash !== undefined) this.#users.set(name, { ...user, passwordHash });
  }

  #grantRole(name: string, role: string): void {
    const user = this.#user(name);
    // The root role needs no making.
    if (role !== rootName) this.#role(role);
    if (user.roles.has(role)) return;
    this.#users.set(name, { ...user, roles: new Set([...user.roles, role]) });
    this.#changed();
  }

  #revokeRole(name: string, role: string): void {
    if (role === rootName) this.#protectRoot(name);
    const user = this.#user(name);
    if (!user.roles.has(role)) throw new CoordinationError("ROLE_NOT_GRANTED");
    this.#users.set(name, without(user, role));
    this.#changed();
  }

  #deleteRole(name: string): void {
    this.#protectRoot(name);
    this.#role(name);
    this.#roles.delete(name);
    for (const [user, of] of this.#users) if (of.roles.has(name)) this.#users.set(user, without(of, name));
    this.#changed();
  }

  /** While enabled, nobody can make it impossible to administer. @throws CoordinationError INVALID_AUTH_MANAGEMENT */
  #protectRoot(name: string): void {
    if (this.#enabled && name === rootName) throw new CoordinationError("INVALID_AUTH_MANAGEMENT");
  }

  #user(name: string): User {
    const user = this.#users.get(name);
    if (user === undefined) throw new CoordinationError("USER_NOT_FOUND");
    return user;
  }

  #role(name: string): Map<string, Permission> {
    const role = this.#roles.get(name);
    if (role === undefined) throw new CoordinationError("ROLE_NOT_FOUND");
    return role;
  }

  #changed(): void {
    this.#revision++;
    this.#rights.clear();
  }

  #rightsOf(name: string): Rights | undefined {
    const known = this.#rights.get(name);
    if (known !== undefined) return known;
    const user = this.#users.get(name);
    if (user === undefined) return undefined;
    const permissions = [...user.roles].flatMap((role) => [...(this.#roles.get(role)?.values() ?? [])]);
    const cover = (other: Permission["type"]): KeyCover =>
      new KeyCover(
        permissions.filter(({ type }) => type !== other).map(({ key, rangeEnd }) => keyRange(key, rangeEnd)),
      );
    const rights = { isRoot: user.roles.has(rootName), readable: cover("write"), writable: cover("read") };
    this.#rights.set(name, rights);
    return rights;
  }
}

function without(user: User, role: string): User {
  return { ...user, roles: new Set([...user.roles].filter((other) => other !== role)) };
}

/** One permission a range and role: granted again, it replaces the one before. */
function placeOf({ key, rangeEnd }: Pick<Permission, "key" | "rangeEnd">): string {
  return `${key.length}/${textOf(key)}${rangeEnd === undefined ? "" : textOf(rangeEnd)}`;
}

function sortedPermissions(role: ReadonlyMap<string, Permission>): Permission[] {
  const keyOf = ({ key, rangeEnd }: Permission): [string, string] => [
    textOf(key),
    rangeEnd === undefined ? "" : textOf(rangeEnd),
  ];
  return [...role.values()].sort((left, right) => {
    const [leftKey, leftEnd] = keyOf(left);
    const [rightKey, rightEnd] = keyOf(right);
    if (leftKey !== rightKey) return leftKey < rightKey ? -1 : 1;
    return leftEnd < rightEnd ? -1 : leftEnd > rightEnd ? 1 : 0;
  });
}
