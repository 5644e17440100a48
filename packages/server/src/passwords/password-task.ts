/** What the thread of passwords is asked: to check one against a hash, or, without one, to hash it. */
export interface PasswordTask {
  readonly id: number;
  readonly password: string;
  readonly hash?: string;
}

export interface PasswordAnswer {
  readonly id: number;
  readonly result: string | boolean;
}
