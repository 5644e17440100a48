import type { Passwords } from "../../runtime/index.ts";
import type { AuthAdministration } from "./auth-administration.ts";
import type {
  AuthChange,
  AuthChangeResponse,
  AuthenticateRequest,
  AuthenticateResponse,
  AuthRequest,
  AuthStatus,
  Caller,
  RoleInfo,
  UserInfo,
} from "./auth.ts";
import type { AuthStore } from "./auth-store.ts";
import type { AuthTokens } from "./auth-tokens.ts";
import type { CommandOperation } from "../key-value/command.ts";
import type { Answer, RequestOptions, ResponseHeader } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import { PasswordTurns } from "./password-turns.ts";

export interface AuthDeskOptions {
  readonly auth: AuthStore;
  readonly tokens: AuthTokens;
  /** Default: Node's. */
  readonly passwords?: Passwords | undefined;
  /** The index of the last entry applied. */
  readonly applied: () => number;
  /** Resolves when everything that was answered before has been applied here. */
  readonly linearize: (options: RequestOptions) => Promise<void>;
  readonly write: (operation: CommandOperation, options: RequestOptions) => Promise<Answer<unknown>>;
  readonly header: () => ResponseHeader;
}

/** A member's side of users: recognises who asks, judges reads, checks passwords, and passes changes on to the log. */
export class AuthDesk implements AuthAdministration {
  readonly #options: AuthDeskOptions;
  readonly #passwords: PasswordTurns;

  constructor(options: AuthDeskOptions) {
    this.#options = options;
    this.#passwords = new PasswordTurns(options.passwords);
  }

  /**
   * Who asks, as of now. A token is known as soon as what gave it is applied; it tells when that is, so a member that is
   * behind waits for it.
   *
   * @throws CoordinationError INVALID_AUTH_TOKEN, and what waiting throws
   */
  recognise(options: RequestOptions): Caller | undefined | Promise<Caller | undefined> {
    const { credentials } = options;
    if (credentials === undefined) return undefined;
    if ("user" in credentials) return this.#as(credentials.user);
    const { token } = credentials;
    const known = this.#holderOf(token);
    if (known !== undefined) return this.#as(known);
    if (!(indexOf(token) > this.#options.applied())) return this.#refuseToken();
    return this.#options.linearize(options).then(() => {
      const user = this.#holderOf(token);
      return user === undefined ? this.#refuseToken() : this.#as(user);
    });
  }

  /** Judges by the permissions of this moment, and acts in the same moment. @throws CoordinationError, as `judge` does */
  async permit<T>(options: RequestOptions, judge: (caller: Caller | undefined) => void, act: () => T): Promise<T> {
    for (;;) {
      const recognised = this.recognise(options);
      const caller = recognised instanceof Promise ? await recognised : recognised;
      try {
        judge(caller);
      } catch (error) {
        if (isOvertaken(error)) continue;
        throw error;
      }
      return act();
    }
  }

  async change(request: AuthRequest, options: RequestOptions = {}): Promise<Answer<AuthChangeResponse>> {
    const change = await this.#hashed(request, options);
    return (await this.#options.write({ type: "auth", request: change }, options)) as Answer<AuthChangeResponse>;
  }

  async authenticate(
    { name, password }: AuthenticateRequest,
    options: RequestOptions = {},
  ): Promise<Answer<AuthenticateResponse>> {
    const { auth, applied, linearize, write } = this.#options;
    // Neither who asks nor the request's name matters: each token is another one.
    const { credentials: _, identity: __, ...waiting } = options;
    await linearize(waiting);
    for (;;) {
      const { enabled, revision: authRevision } = auth.status();
      if (!enabled) throw new CoordinationError("AUTH_NOT_ENABLED");
      const hash = auth.hasUser(name) ? auth.passwordHash(name) : undefined;
      const isRight = await this.#passwords.verify(password, hash ?? "");
      if (hash === undefined || !isRight) throw new CoordinationError("AUTH_FAILED");
      const token = await this.#passwords.token();
      try {
        const request = { user: name, token, authRevision };
        const { header } = await write({ type: "authenticate", request }, waiting);
        return { token: `${token}.${applied()}`, header };
      } catch (error) {
        if (!isOvertaken(error)) throw error;
      }
    }
  }

  status(options: RequestOptions = {}): Promise<Answer<AuthStatus>> {
    return this.#read(options, this.#onlyRoot, () => this.#options.auth.status());
  }

  user(name: string, options: RequestOptions = {}): Promise<Answer<UserInfo>> {
    const { auth } = this.#options;
    const judge = (caller: Caller | undefined): void => {
      if (caller?.user !== name) this.#onlyRoot(caller);
    };
    return this.#read(options, judge, () => auth.user(name));
  }

  users(options: RequestOptions = {}): Promise<Answer<{ readonly users: readonly string[] }>> {
    return this.#read(options, this.#onlyRoot, () => ({ users: this.#options.auth.userNames() }));
  }

  role(name: string, options: RequestOptions = {}): Promise<Answer<RoleInfo>> {
    const { auth } = this.#options;
    const judge = (caller: Caller | undefined): void => {
      const isOwn = caller !== undefined && auth.hasUser(caller.user) && auth.user(caller.user).roles.includes(name);
      if (!isOwn) this.#onlyRoot(caller);
    };
    return this.#read(options, judge, () => auth.role(name));
  }

  roles(options: RequestOptions = {}): Promise<Answer<{ readonly roles: readonly string[] }>> {
    return this.#read(options, this.#onlyRoot, () => ({ roles: this.#options.auth.roleNames() }));
  }

  requireRoot(options: RequestOptions = {}): Promise<void> {
    return this.permit(options, this.#onlyRoot, () => undefined);
  }

  readonly #onlyRoot = (caller: Caller | undefined): void => this.#options.auth.check(caller, "admin");

  async #read<T extends object>(
    options: RequestOptions,
    judge: (caller: Caller | undefined) => void,
    read: () => T,
  ): Promise<Answer<T>> {
    await this.#options.linearize(options);
    return this.permit(options, judge, () => ({ ...read(), header: this.#options.header() }));
  }

  async #hashed(request: AuthRequest, options: RequestOptions): Promise<AuthChange> {
    if (request.type !== "userAdd" && request.type !== "userChangePassword") return request;
    const { type, name, password } = request;
    // Whoever would be refused must not make us work.
    await this.#options.linearize(options);
    await this.requireRoot(options);
    if (password === undefined) return { type: "userAdd", name };
    return { type, name, passwordHash: await this.#passwords.hash(password) };
  }

  #as(user: string): Caller {
    return { user, authRevision: this.#options.auth.status().revision };
  }

  #holderOf(token: string): string | undefined {
    return this.#options.auth.enabled ? this.#options.tokens.userOf(secretOf(token)) : undefined;
  }

  /** While users are not enabled, nobody asks for tokens, and old ones do no harm. */
  #refuseToken(): undefined {
    if (this.#options.auth.enabled) throw new CoordinationError("INVALID_AUTH_TOKEN");
  }
}

/** Users or permissions have changed since the caller was recognised. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof CoordinationError && error.code === "AUTH_OLD_REVISION";
}

function secretOf(token: string): string {
  return token.slice(0, Math.max(0, token.lastIndexOf(".")));
}

/** When it was given: an index of the log by which every member knows it. NaN for what is no token. */
function indexOf(token: string): number {
  const digits = token.slice(token.lastIndexOf(".") + 1);
  return /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
}
