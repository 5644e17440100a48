import type {
  AuthChangeResponse,
  AuthenticateRequest,
  AuthenticateResponse,
  AuthRequest,
  AuthStatus,
  RoleInfo,
  UserInfo,
} from "./auth.ts";
import type { Answer, RequestOptions } from "../coordination.ts";

/**
 * Users, roles and permissions of a cluster, with etcd's rules (3.4). While they are enabled, every request needs
 * credentials, those of this process too.
 *
 * All reject with CoordinationError: USER_EMPTY without credentials, INVALID_AUTH_TOKEN, PERMISSION_DENIED.
 */
export interface AuthAdministration {
  /** Only root may, once enabled. Rejects with what AuthStore.change names. */
  change(request: AuthRequest, options?: RequestOptions): Promise<Answer<AuthChangeResponse>>;
  /**
   * Gives a token for a password. Takes as long for a user that does not exist.
   *
   * @throws CoordinationError AUTH_NOT_ENABLED, AUTH_FAILED, TOO_MANY_REQUESTS when many passwords wait to be checked
   */
  authenticate(request: AuthenticateRequest, options?: RequestOptions): Promise<Answer<AuthenticateResponse>>;
  /** Only root may. */
  status(options?: RequestOptions): Promise<Answer<AuthStatus>>;
  /** Root may, and the user. @throws CoordinationError USER_NOT_FOUND */
  user(name: string, options?: RequestOptions): Promise<Answer<UserInfo>>;
  /** Names, in ascending order. Only root may. */
  users(options?: RequestOptions): Promise<Answer<{ readonly users: readonly string[] }>>;
  /** Root may, and who has the role. @throws CoordinationError ROLE_NOT_FOUND */
  role(name: string, options?: RequestOptions): Promise<Answer<RoleInfo>>;
  /** Names, in ascending order. Only root may. */
  roles(options?: RequestOptions): Promise<Answer<{ readonly roles: readonly string[] }>>;
  /** For what is served beside the key-value model: resolves for root, and for everybody while not enabled. */
  requireRoot(options?: RequestOptions): Promise<void>;
}
