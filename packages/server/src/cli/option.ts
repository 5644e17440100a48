import type { Address } from "holdfast/runtime";
import { usageError } from "./exit.ts";

/**
 * One option of a command: what help says, where the value comes from, and how it is read.
 *
 * Precedence: the command line, then the environment variable, then the default.
 */
export interface Option<T> {
  readonly help: string;
  /** How help names the value; an option without one is a flag. */
  readonly placeholder?: string;
  readonly default?: T;
  /** How help shows the default; its text when absent. */
  readonly defaultText?: string;
  readonly required?: boolean;
  readonly environment?: string;
  /** Not shown in help: for other parts of Holdfast only. */
  readonly hidden?: boolean;
  /** Reads the text; `source` is what the message blames (`--nodes`, `HOLDFAST_ENDPOINTS`). */
  readonly read: (text: string, source: string) => T;
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** What a command gets: one value an option, by its name in the table. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never;
};

interface Described {
  readonly help: string;
  readonly placeholder?: string;
  readonly environment?: string;
}

/** True when given; takes no value. */
export function flag(help: string, options: { readonly hidden?: boolean } = {}): Option<boolean> {
  return { help, default: false, ...options, read: () => true };
}

export function text(options: Described & { readonly default: string }): Option<string>;
export function text(options: Described & { readonly required: true }): Option<string>;
export function text(options: Described): Option<string | undefined>;
export function text(
  options: Described & { readonly default?: string; readonly required?: true },
): Option<string | undefined> {
  return {
    placeholder: "TEXT",
    ...options,
    read: (value, source) => {
      if (value === "") throw usageError(`${source} must not be empty`);
      return value;
    },
  };
}

interface IntegerOptions extends Described {
  readonly min: number;
  readonly max: number;
  readonly default?: number;
}

export function integer(options: IntegerOptions & { readonly default: number }): Option<number>;
export function integer(options: IntegerOptions): Option<number | undefined>;
export function integer(options: IntegerOptions): Option<number | undefined> {
  const { min, max, ...described } = options;
  const rule = max === Number.MAX_SAFE_INTEGER ? `must be an integer >= ${min}` : `must be an integer ${min}..${max}`;
  return {
    placeholder: "N",
    ...described,
    read: (value, source) => {
      const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= min && number <= max)) throw usageError(`${source} ${rule} (got ${JSON.stringify(value)})`);
      return number;
    },
  };
}

/** One of a few words. */
export function choice<const T extends string>(
  options: Described & { readonly choices: readonly T[]; readonly default: T },
): Option<T> {
  const { choices, ...described } = options;
  return {
    placeholder: "NAME",
    ...described,
    read: (value, source) => {
      const chosen = choices.find((candidate) => candidate === value);
      if (chosen !== undefined) return chosen;
      throw usageError(`${source} must be one of ${choices.join(", ")} (got ${JSON.stringify(value)})`);
    },
  };
}

/** `NAME,NAME`. */
export function memberNames(options: Described): Option<readonly string[] | undefined> {
  return {
    placeholder: "NAME,…",
    ...options,
    read: (value, source) => {
      const given = value.split(",").map((part) => part.trim());
      if (given.includes(""))
        throw usageError(`${source} must be names, separated by commas (got ${JSON.stringify(value)})`);
      return [...new Set(given)];
    },
  };
}

/** `HOST:PORT,HOST:PORT`. */
export function addresses(options: Described): Option<readonly Address[] | undefined> {
  return {
    placeholder: "HOST:PORT,…",
    ...options,
    read: (value, source) => value.split(",").map((part) => readAddress(part.trim(), source)),
  };
}

export function address(options: Described & { readonly default: Address }): Option<Address>;
export function address(options: Described & { readonly required: true }): Option<Address>;
export function address(options: Described): Option<Address | undefined>;
export function address(
  options: Described & { readonly default?: Address; readonly required?: true },
): Option<Address | undefined> {
  return { placeholder: "HOST:PORT", ...options, read: readAddress };
}

/** Comma-separated URLs of members' client ports. */
export const endpoints: Option<readonly string[]> = {
  placeholder: "URL,URL",
  help: "members to talk to, tried in turn",
  default: ["http://127.0.0.1:2379"],
  defaultText: "http://127.0.0.1:2379",
  environment: "HOLDFAST_ENDPOINTS",
  read: (value, source) =>
    value.split(",").map((part) => {
      const trimmed = part.trim();
      const url = URL.canParse(trimmed) ? new URL(trimmed) : undefined;
      if ((url?.protocol !== "http:" && url?.protocol !== "https:") || url.hostname === "" || url.pathname !== "/") {
        throw usageError(
          `${source} must be URLs like http://127.0.0.1:2379, separated by commas (got ${JSON.stringify(trimmed)})`,
        );
      }
      return url.origin;
    }),
};

/** `n1=HOST:PORT,n2=HOST:PORT`: every member of the initial cluster with its peer address. */
export function peers(help: string): Option<readonly { readonly name: string; readonly peer: Address }[] | undefined> {
  return {
    placeholder: "NAME=HOST:PORT,…",
    help,
    read: (value, source) => {
      const members = value.split(",").map((part) => {
        const [, name, peer] = /^([\w.-]+)=(.+)$/.exec(part.trim()) ?? [];
        if (name === undefined || peer === undefined) {
          throw usageError(`${source} must be NAME=HOST:PORT, separated by commas (got ${JSON.stringify(part)})`);
        }
        return { name, peer: readAddress(peer, `${source} ${name}`) };
      });
      const twice = members.find((member, index) => members.findIndex((other) => other.name === member.name) < index);
      if (twice !== undefined) throw usageError(`${source} names ${JSON.stringify(twice.name)} twice`);
      return members;
    },
  };
}

function readAddress(value: string, source: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw usageError(`${source} must be HOST:PORT with a port 0..65535 (got ${JSON.stringify(value)})`);
  }
  return { host, port: Number(port) };
}
