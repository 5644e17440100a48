import { batchModelDefaults, InvalidArgumentError } from "../../errors/index.ts";

export interface MemorySettings {
  /** How many of the last examples are remembered: 10 up to 100 000. Default 1 000. */
  readonly maxExamples?: number;
  /** After how many new examples it is fitted again. Default 250. */
  readonly refitEvery?: number;
}

export const memoryDefaults: Required<MemorySettings> = batchModelDefaults;

/** The options with the defaults for what is left out; all of them are integers >= 1. */
export function readSettings<Settings extends object>(owner: string, options: object, defaults: Settings): Settings {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(`${owner} options`, "must be an object", options);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(defaults, name)) {
      const names = Object.keys(defaults).join(", ");
      throw new InvalidArgumentError(`${owner}.${name}`, `is no option; there are ${names}`, value);
    }
    if (!Number.isSafeInteger(value) || (value as number) < 1) {
      throw new InvalidArgumentError(`${owner}.${name}`, "must be an integer >= 1", value);
    }
  }
  return { ...defaults, ...options };
}
