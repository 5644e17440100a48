import { checkFunction, checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { checkStringList } from "./check-list.ts";
import { EnvironmentNames, passedEnvironment } from "./command-environment.ts";
import { checkRestartPolicy, type RestartPolicy } from "./restart-backoff.ts";

/** How a service shows that it is ready: one of these; asked again until it does. */
export type Readiness =
  /** A GET is answered with 200 to 299. */
  | { readonly http: string }
  /** `HOST:PORT` takes a connection. */
  | { readonly tcp: string }
  /** A line that it writes, on either output, has this in it. */
  | { readonly line: string }
  /** Resolves. */
  | { readonly check: (context: { readonly pid: number; readonly signal: AbortSignal }) => unknown };

export interface ServiceDefinition {
  /** The program and its arguments; there is no shell. */
  readonly command: readonly string[];
  readonly directory?: string;
  /** Beside what is passed on. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What it gets of this process's environment; `A_*` is all that begin so. Default `commandDefaults.pass`. */
  readonly pass?: readonly string[];
  /** Default: ready as soon as it runs. */
  readonly ready?: Readiness;
  /** A life that is not ready by then has failed. Default 30 000. */
  readonly readyWithinMs?: number;
  /** Between SIGTERM and SIGKILL. Default 10 000. */
  readonly graceMs?: number;
  /** When it is started again after an end that nobody asked for. */
  readonly restart?: RestartPolicy;
  /** Kept of what it writes, from the end. Default 64 KiB. */
  readonly maxLogBytes?: number;
}

export const serviceDefaults: {
  readonly readyWithinMs: number;
  readonly graceMs: number;
  readonly maxLogBytes: number;
} = { readyWithinMs: 30_000, graceMs: 10_000, maxLogBytes: 64 * 1024 };

export interface ServiceSettings {
  readonly command: readonly string[];
  readonly directory: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly passed: EnvironmentNames;
  readonly ready: Readiness | undefined;
  readonly readyWithinMs: number;
  readonly graceMs: number;
  readonly restart: Required<RestartPolicy>;
  readonly maxLogBytes: number;
}

const names = ["command", "directory", "environment", "pass", "ready", "restart", ...Object.keys(serviceDefaults)];

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkDefinition(path: string, definition: ServiceDefinition): ServiceSettings {
  checkOptionNames(path, definition, names);
  const { command, directory, environment = {}, pass = passedEnvironment, ready, restart = {} } = definition;
  const line = checkStringList(`${path}.command`, command, () => true, "must be a list of texts, the program first");
  if (line.length === 0 || line[0] === "") {
    throw new InvalidArgumentError(`${path}.command`, "must be a list of texts, the program first", command);
  }
  if (directory !== undefined && typeof directory !== "string") {
    throw new InvalidArgumentError(`${path}.directory`, "must be text", directory);
  }
  checkStringList(`${path}.environment`, Object.values(environment), () => true, "must be texts by name");
  if (ready !== undefined) checkReadiness(`${path}.ready`, ready);
  const given = { ...serviceDefaults, ...definition };
  const integer = (name: keyof typeof serviceDefaults): number =>
    checkInteger(`${path}.${name}`, given[name], name === "readyWithinMs" ? 1 : 0, 1_000_000_000);
  return {
    command: line,
    directory,
    environment,
    passed: new EnvironmentNames(`${path}.pass`, pass),
    ready,
    readyWithinMs: integer("readyWithinMs"),
    graceMs: integer("graceMs"),
    restart: checkRestartPolicy(`${path}.restart`, restart),
    maxLogBytes: integer("maxLogBytes"),
  };
}

/** `HOST:PORT`; undefined for anything else. */
export function addressIn(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

function checkReadiness(path: string, ready: Readiness): void {
  checkOptionNames(path, ready, ["http", "tcp", "line", "check"]);
  const [[name, value] = ["", undefined], ...more] = Object.entries(ready) as [string, unknown][];
  if (name === "" || more.length > 0) {
    throw new InvalidArgumentError(path, "must have exactly one of http, tcp, line, check", Object.keys(ready));
  }
  if (name === "check") checkFunction(`${path}.check`, value ?? null);
  else if (typeof value !== "string" || value === "") {
    throw new InvalidArgumentError(`${path}.${name}`, "must be text", value);
  } else if (name === "http" && !/^https?:\/\/./.test(value)) {
    throw new InvalidArgumentError(`${path}.http`, "must be an http or https URL", value);
  } else if (name === "tcp" && addressIn(value) === undefined) {
    throw new InvalidArgumentError(`${path}.tcp`, "must be HOST:PORT", value);
  }
}
