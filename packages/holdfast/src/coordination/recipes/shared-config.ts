import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, systemRandom, type Clock, type RandomSource } from "../../runtime/system.ts";
import type { Coordination } from "../coordination.ts";
import { followRange } from "./follow-range.ts";
import type { KeyValue } from "../key-value/key-value.ts";
import { RecipeError } from "./recipe-error.ts";
import { untilAnswered } from "./until-answered.ts";

export interface SharedConfigOptions<T> {
  /**
   * Makes a value of what was written, or throws to refuse it: before it is written by this process, and when it
   * is read. Default: takes whatever it is for the type.
   */
  readonly validate?: (value: unknown) => T;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

export interface ConfigEntry<T> {
  /** Undefined when there is none. */
  readonly value: T | undefined;
  /** The revision that it was written at; 0 when there is none. */
  readonly revision: number;
}

export interface ConfigUpdate<T> extends ConfigEntry<T> {
  /** Why what was written last is refused; value and revision are those of the last one that was not. */
  readonly problem?: RecipeError;
}

export interface SharedConfig<T> {
  readonly key: string;
  /** @throws RecipeError CONFIG_INVALID when what is there is refused; CoordinationError */
  get(): Promise<ConfigEntry<T>>;
  /**
   * Writes, and tells the revision of that. With `revision`, only if what is there was written at that one (0: if there is
   * none).
   *
   * @throws RecipeError CONFIG_CONFLICT, CONFIG_INVALID; CoordinationError (after TIMED_OUT it may have been written)
   */
  set(value: T, options?: { readonly revision?: number }): Promise<number>;
  /**
   * Changes what is there, again when somebody else comes in between, for up to ten seconds; `change` may be called
   * several times.
   *
   * @throws RecipeError CONFIG_INVALID, CONFIG_CONFLICT; what `change` throws; CoordinationError
   */
  update(change: (value: T | undefined) => T): Promise<ConfigEntry<T>>;
  /**
   * What is there now, then whatever is written, in order and without a gap.
   *
   * @throws the signal's reason; CoordinationError
   */
  watch(options?: { readonly signal?: AbortSignal }): AsyncGenerator<ConfigUpdate<T>, void, undefined>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** How long an update is tried. */
const patienceMs = 10_000;

/**
 * One value that all processes of a cluster share, as JSON under a key.
 *
 * @throws InvalidArgumentError for an empty key or an unknown option
 * @example
 * const limits = sharedConfig(member, "config/limits", { validate: limitsSchema.parse });
 * for await (const { value, problem } of limits.watch()) apply(value ?? defaults, problem);
 */
export function sharedConfig<T>(
  coordination: Coordination,
  key: string,
  options: SharedConfigOptions<T> = {},
): SharedConfig<T> {
  checkOptionNames("sharedConfig", options, ["validate", "clock", "random"]);
  checkFunction("sharedConfig.validate", options.validate);
  if (key === "") throw new InvalidArgumentError("sharedConfig.key", "must not be empty", key);
  const { validate = (value) => value as T, clock = systemClock, random = systemRandom } = options;
  const keyBytes = encoder.encode(key);
  const none: ConfigEntry<T> = { value: undefined, revision: 0 };

  /** @throws RecipeError CONFIG_INVALID */
  function valid<V>(read: () => V): V {
    try {
      return read();
    } catch (cause) {
      throw new RecipeError("CONFIG_INVALID", {
        cause,
        detail: cause instanceof Error ? cause.message : String(cause),
      });
    }
  }

  function entryOf(pair: KeyValue | undefined): ConfigEntry<T> {
    if (pair === undefined) return none;
    const value = valid(() => validate(JSON.parse(decoder.decode(pair.value))));
    return { value, revision: pair.modRevision };
  }

  const self: SharedConfig<T> = {
    key,
    async get() {
      const { pairs } = await coordination.range({ key: keyBytes });
      return entryOf(pairs[0]);
    },
    async set(value, { revision } = {}) {
      const text = valid(() => {
        const json = JSON.stringify(validate(value)) as string | undefined;
        if (json === undefined) throw new TypeError("it cannot be written as JSON");
        return json;
      });
      const put = { key: keyBytes, value: encoder.encode(text) };
      if (revision === undefined) return (await coordination.put(put)).header.revision;
      const { succeeded, header } = await coordination.txn({
        compare: [{ key: keyBytes, target: "mod", result: "equal", operand: revision }],
        success: [{ type: "put", request: put }],
        failure: [],
      });
      if (!succeeded) throw new RecipeError("CONFIG_CONFLICT");
      return header.revision;
    },
    async update(change) {
      const deadline = clock.now() + patienceMs;
      return await untilAnswered({ clock, random, deadline }, async () => {
        const { value, revision } = await self.get();
        return await final(async () => {
          const changed = change(value);
          return { value: changed, revision: await self.set(changed, { revision }) };
        });
      }).catch((error: unknown) => {
        throw error instanceof UpdateFailure ? error.cause : error;
      });
    },
    async *watch({ signal } = {}) {
      let last = none;
      const next = (pair: KeyValue | undefined): ConfigUpdate<T> => {
        try {
          last = entryOf(pair);
          return last;
        } catch (problem) {
          return { ...last, problem: problem as RecipeError };
        }
      };
      for await (const step of followRange(
        coordination,
        { key: keyBytes },
        { clock, random, ...(signal && { signal }) },
      )) {
        if (step.type === "state") yield next(step.pairs[0]);
        else for (const { type, pair } of step.events) yield next(type === "put" ? pair : undefined);
      }
    },
  };
  return self;
}

/** What must not be repeated: a write that may have been applied would be made upon itself. */
class UpdateFailure extends Error {
  constructor(cause: unknown) {
    super("the update failed", { cause });
  }
}

/** Only one who was overtaken tries again. */
async function final<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (RecipeError.is(error) && error.code === "CONFIG_CONFLICT") throw error;
    throw new UpdateFailure(error);
  }
}
