import type { Passwords } from "../../runtime/index.ts";
import { CoordinationError } from "../coordination-error.ts";

/** Passwords worked on at once: the rest of the platform's few threads is left for the disk. */
const atOnce = 2;
const maxWaiting = 256;

/** Passwords, a few at a time: each costs much time and memory on purpose, and anybody may ask. */
export class PasswordTurns {
  readonly #given: Passwords | undefined;
  #busy = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param given default: Node's, loaded when first needed */
  constructor(given: Passwords | undefined) {
    this.#given = given;
  }

  /** @throws CoordinationError TOO_MANY_REQUESTS */
  hash(password: string): Promise<string> {
    return this.#inTurn((passwords) => passwords.hash(password));
  }

  /** @throws CoordinationError TOO_MANY_REQUESTS */
  verify(password: string, hash: string): Promise<boolean> {
    return this.#inTurn((passwords) => passwords.verify(password, hash));
  }

  async token(): Promise<string> {
    return (await this.#passwords()).token();
  }

  async #inTurn<T>(work: (passwords: Passwords) => Promise<T>): Promise<T> {
    if (this.#busy < atOnce) this.#busy++;
    else if (this.#waiting.length >= maxWaiting) throw new CoordinationError("TOO_MANY_REQUESTS");
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work(await this.#passwords());
    } finally {
      const next = this.#waiting.shift();
      // The turn is handed on, so nobody slips in between.
      if (next === undefined) this.#busy--;
      else next();
    }
  }

  async #passwords(): Promise<Passwords> {
    return this.#given ?? (await import("../../runtime/index.ts")).nodePasswords();
  }
}
