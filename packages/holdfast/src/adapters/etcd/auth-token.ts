import type { AttemptOutcome, Endpoint } from "./endpoint.ts";
import { codeOfText } from "./etcd-error.ts";
import { etcdMethods } from "./etcd-methods.ts";
import type { EtcdSettings } from "./etcd-options.ts";

export type TokenOutcome =
  | { readonly type: "token"; readonly token: string | undefined }
  | Extract<AttemptOutcome, { readonly type: "failure" }>;

/** The token that requests are made with: asked for once, until it is refused. */
export class AuthToken {
  readonly #credentials: EtcdSettings["credentials"];
  /** The last known, undefined for an etcd whose authentication is off. */
  #known: { readonly token: string | undefined } | undefined;
  #asking: Promise<TokenOutcome> | undefined;

  constructor(credentials: EtcdSettings["credentials"]) {
    this.#credentials = credentials;
  }

  get isNeeded(): boolean {
    return this.#credentials !== undefined;
  }

  /** The token, `given` if there is one; or how asking for one failed, in which case nothing else was sent. */
  async get(endpoint: Endpoint, deadline: number, given?: string): Promise<TokenOutcome> {
    if (given !== undefined) return { type: "token", token: given };
    if (this.#credentials === undefined) return { type: "token", token: undefined };
    if (this.#known !== undefined) return { type: "token", token: this.#known.token };
    this.#asking ??= this.#ask(this.#credentials, endpoint, deadline).finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** It was refused, or may be: the next one is new. */
  drop(token: string | undefined): void {
    if (this.#known?.token === token) this.#known = undefined;
  }

  async #ask(message: object, endpoint: Endpoint, deadline: number): Promise<TokenOutcome> {
    const outcome = await endpoint.attempt(etcdMethods.authenticate, message, { deadline });
    if (outcome.type === "answer") {
      this.#known = { token: (outcome.message as { readonly token: string }).token };
    } else if (codeOfText(outcome.error.details) === "AUTH_NOT_ENABLED") {
      this.#known = { token: undefined };
    } else {
      return outcome;
    }
    return { type: "token", token: this.#known.token };
  }
}
