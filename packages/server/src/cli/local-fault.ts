import {
  directoryTarget,
  nodeTarget,
  pressureTarget,
  processTarget,
  type DirectoryFaultKind,
  type NodeFaultKind,
  type PressureKind,
  type ProcessFaultKind,
} from "holdfast/adapters/system-faults";
import { HoldfastError } from "holdfast/errors/base";
import {
  faultRegistry,
  type FaultParameters,
  type FaultRegistry,
  type LiveFault,
  type LiveTarget,
} from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import type { FaultApi } from "../faults/fault-api.ts";
import { isLocalHost } from "../faults/request-guard.ts";
import { addressText } from "../supervisor/cluster-plan.ts";
import { environmentError, exitCodes, failure, usageError, type ExitCode } from "./exit.ts";
import { aborted, stopSignal } from "./stop-signal.ts";
import { printable, type Terminal } from "./terminal.ts";

/** What a fault of this machine strikes. */
export type LocalGroup = "process" | "clock" | "pressure" | "disk";

export interface LocalFault {
  readonly group: LocalGroup;
  /** The number of a process, or a directory; the machine has none. */
  readonly where: string | undefined;
  readonly kind: string;
  readonly parameters: FaultParameters;
  readonly durationMs: number;
  readonly id: string | undefined;
  /** Where its interface listens, which other commands ask. */
  readonly url: string;
  readonly token: string | undefined;
}

/** By group: what strikes a process from outside, from within, a directory, the machine. */
const kinds = {
  process: { outer: ["pause", "slow", "crash"], inner: ["blockedLoop", "openFiles"] },
  clock: { inner: ["clockSkew", "clockJump", "clockDrift", "clockStop"] },
  disk: { directory: ["fullDisk", "corruptDisk"], inner: ["fullDisk", "slowDisk", "failingSync", "failingDisk"] },
  pressure: { machine: ["cpu", "memory"] },
} as const satisfies Record<
  LocalGroup,
  {
    readonly outer?: readonly ProcessFaultKind[];
    readonly inner?: readonly NodeFaultKind[];
    readonly directory?: readonly DirectoryFaultKind[];
    readonly machine?: readonly PressureKind[];
  }
>;

/**
 * Injects a fault into a part of this machine, and stays until it has ended: after its time, by a signal, or because
 * `holdfast fault heal` asked the interface that it serves meanwhile.
 *
 * @throws ExitError with what was wrong
 */
export async function strikeLocally(
  fault: LocalFault,
  { terminal, json }: { readonly terminal: Terminal; readonly json: boolean },
): Promise<ExitCode> {
  const target = targetOf(fault);
  const stop = stopSignal();
  const { kind, parameters, durationMs, id } = fault;
  const registry = faultRegistry({ clock: nodeRuntime().clock, targets: [target], maxDurationMs: durationMs });
  const api = await serve(registry, fault);
  try {
    const request = { target: target.name, kind, parameters, durationMs, ...(id === undefined ? {} : { id }) };
    const begun = await registry.inject(request);
    const ended = registry.whenRemoved(begun.id);
    const heal = `holdfast fault heal --api http://${addressText(api.address)}`;
    const line = `${begun.id} strikes ${begun.target} for ${begun.durationMs} ms; Ctrl-C or \`${heal}\` ends it`;
    if (json) terminal.err(line);
    else terminal.out(line);
    await Promise.race([ended, aborted(stop)]);
    const { stuck } = await registry.close();
    if (stuck.length > 0) throw environmentError(`${begun.id} cannot be taken back: ${stuck[0]?.error}`);
    report(await ended, terminal, json);
    return exitCodes.ok;
  } catch (error) {
    if (!HoldfastError.is(error) || "exitCode" in error) throw error;
    throw error.code === "INVALID_ARGUMENT" ? usageError(error.message) : failure(explain(error, fault), error);
  } finally {
    await registry.close();
    await api.close();
  }
}

function report(last: LiveFault, terminal: Terminal, json: boolean): void {
  if (json) terminal.document(last);
  else
    terminal.out(
      printable(`${last.id} is gone (${last.reason}); it struck ${last.struck ?? "an unknown number of"} times`),
    );
}

/** @throws ExitError (usage) */
function targetOf({ group, where, kind }: LocalFault): LiveTarget {
  const {
    outer = [],
    inner = [],
    directory = [],
    machine = [],
  } = kinds[group] as {
    readonly [K in "outer" | "inner" | "directory" | "machine"]?: readonly string[];
  };
  const pid = where !== undefined && /^\d+$/.test(where) ? Number(where) : undefined;
  const known = group === "disk" ? (pid === undefined ? directory : inner) : [...outer, ...inner, ...machine];
  if (!known.includes(kind)) {
    throw usageError(`KIND must be one of ${known.join(", ")} (got ${JSON.stringify(kind)})`);
  }
  if (group === "pressure") return pressureTarget({ allow: [kind as PressureKind] });
  try {
    if (group === "disk" && pid === undefined) return directoryTarget({ name: "directory", directory: where ?? "" });
    if (pid === undefined) throw usageError(`PID must be the number of a process (got ${JSON.stringify(where)})`);
    const name = `process-${pid}`;
    if (inner.includes(kind)) return nodeTarget({ name, pid, allow: [kind as NodeFaultKind] });
    // Who starts it again after a crash is its supervisor's business.
    return processTarget({ name, pid, allow: [kind as ProcessFaultKind] });
  } catch (error) {
    if (HoldfastError.is(error)) throw usageError(error.message);
    throw environmentError((error as Error).message, error);
  }
}

/** @throws ExitError: an address of another machine (usage), or one that is taken (environment) */
async function serve(registry: FaultRegistry, { url, token }: LocalFault): Promise<FaultApi> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (!isLocalHost(host)) throw usageError(`--api ${url} must be an address of this machine alone`);
  const { serveFaults } = await import("../faults/fault-api.ts");
  const listen = { host, port: port === "" ? 80 : Number(port) };
  try {
    return await serveFaults({ registry, listen, ...(token === undefined ? {} : { token }) });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw environmentError(
      `--api ${url}: ${code ?? message}; give this fault another address, and both to heal`,
      error,
    );
  }
}

function explain({ code, message }: HoldfastError, { group, where, kind }: LocalFault): string {
  if (code !== "NOT_OPTED_IN" || where === undefined) return message;
  const how =
    group === "disk" && !/^\d+$/.test(where)
      ? `a file .holdfast-faults in it that says allow, or ${kind}`
      : `a process that was started with HOLDFAST_FAULTS=allow, or ${kind}`;
  return `${message}: this needs ${how}`;
}
