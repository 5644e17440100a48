import { InvalidArgumentError } from "../../errors/base.ts";
import type { Credentials } from "../auth/auth.ts";
import { CoordinationError } from "../coordination-error.ts";
import { encodeAuthenticate } from "./remote-codec.ts";
import type { RemoteCalls } from "./remote-calls.ts";
import type { RemoteCredentials } from "./remote-options.ts";

/** Refusals of a token that another one may get past. */
const renewable: ReadonlySet<string> = new Set(["INVALID_AUTH_TOKEN", "USER_EMPTY", "AUTH_OLD_REVISION"]);

/** The token that goes with every request: given, or got for a name and a password and got anew when it has run out. */
export class RemoteLogin {
  readonly #calls: RemoteCalls;
  readonly #credentials: RemoteCredentials | undefined;
  #token: Promise<string> | undefined;

  constructor(calls: RemoteCalls, credentials: RemoteCredentials | undefined) {
    this.#calls = calls;
    this.#credentials = credentials;
  }

  /** At once where nobody needs to be asked. @throws CoordinationError AUTH_FAILED, and as any request */
  token(given: Credentials | undefined): string | Promise<string> {
    if (given !== undefined) return tokenOf(given);
    const credentials = this.#credentials;
    if (credentials === undefined) return "";
    if ("token" in credentials) return credentials.token;
    return (this.#token ??= this.#authenticate(credentials));
  }

  /** Whether it is worth another try, with the next token. */
  async isRenewed(error: unknown, given: Credentials | undefined): Promise<boolean> {
    const credentials = this.#credentials;
    if (given !== undefined || credentials === undefined || "token" in credentials) return false;
    if (!CoordinationError.is(error) || !renewable.has(error.code)) return false;
    this.#token = undefined;
    return (await this.token(undefined)) !== "";
  }

  async #authenticate(credentials: { readonly name: string; readonly password: string }): Promise<string> {
    try {
      return await this.#calls.add({
        kind: "authenticate",
        content: encodeAuthenticate(credentials),
        token: "",
        timeoutMs: this.#calls.settings.timeoutMs,
        signal: undefined,
        read: (reader) => reader.utf8("token"),
      });
    } catch (error) {
      if (CoordinationError.is(error) && error.code === "AUTH_NOT_ENABLED") return "";
      this.#token = undefined;
      throw error;
    }
  }
}

function tokenOf(credentials: Credentials): string {
  if ("token" in credentials) return credentials.token;
  // To name somebody is for those who pass requests on, and are believed.
  throw new InvalidArgumentError("credentials", "must be a token here", "a user's name");
}
