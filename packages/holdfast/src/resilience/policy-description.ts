/** What a policy tells about itself, for people and for `explain`. */
export interface PolicyDescription {
  /** The factory's name: `retry`, `circuitBreaker`, … */
  readonly kind: string;
  /** The policy's `name` option. */
  readonly name?: string;
  /** The options that matter, as they are in force now: a getter where they can be updated. */
  readonly options?: Readonly<Record<string, unknown>>;
}
