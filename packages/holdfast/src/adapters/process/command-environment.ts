import { checkStringList } from "./check-list.ts";

/** What a program gets of this process's environment unless something else is said. */
export const passedEnvironment: readonly string[] = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "LC_*",
  "TZ",
  "TMPDIR",
  "TERM",
  "SystemRoot",
];

const pattern = /^[A-Za-z_][A-Za-z0-9_]*\*?$/;

/** Names of variables; `LC_*` stands for all that begin so. */
export class EnvironmentNames {
  readonly names: readonly string[];

  /** @throws InvalidArgumentError for what is no list of names */
  constructor(option: string, names: unknown) {
    this.names = checkStringList(
      option,
      names,
      (name) => name === "*" || pattern.test(name),
      "must be names like A or A_*",
    );
  }

  has(name: string): boolean {
    return this.names.some((each) => (each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : each === name));
  }

  /** Those of an environment. */
  of(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
    const found = Object.entries(environment).filter(([name, value]) => value !== undefined && this.has(name));
    return Object.fromEntries(found) as Record<string, string>;
  }
}
