import { checkFunction, checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { StepFailure, type RestartRequest, type ServiceControl, type ServiceStatus } from "../../recovery/index.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";

/** Runs a program: `commandRunner` of `holdfast/adapters/process`. */
export type ProgramRunner = (
  line: readonly string[],
  options: { readonly signal: AbortSignal },
) => Promise<{ readonly exitCode: number | null; readonly stdout: string; readonly lastWords: string }>;

export interface SystemdServicesOptions {
  readonly run: ProgramRunner;
  /** The units that may be restarted: their full names (`api.service`). */
  readonly units: readonly string[];
  /** Units of the user who asks, and not of the machine. Default false. */
  readonly user?: boolean;
  /** How long a unit may take until it is active. Default 90 000, as systemd's own. */
  readonly readyWithinMs?: number;
  /** Default `systemctl`. */
  readonly program?: string;
  readonly clock?: Clock;
}

const askEveryMs = 200;
const properties = ["LoadState", "ActiveState", "SubState", "Result", "InvocationID"];

/** `ActiveState`, in our words. */
const states: Readonly<Record<string, ServiceStatus["state"]>> = {
  active: "ready",
  reloading: "ready",
  refreshing: "ready",
  activating: "starting",
  deactivating: "stopping",
  inactive: "stopped",
  maintenance: "stopped",
  failed: "failed",
};

/**
 * systemd's services, through `systemctl`: restarted with `restart --no-block`, asked with `show`. A unit is ready when it is
 * active: what that means is the unit's own affair (`Type=notify` is when it says so itself). The right to restart it is
 * systemd's and polkit's affair.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * serviceRestart({ services: systemdServices({ run: commandRunner(), units: ["api.service"] }), coordination });
 */
export function systemdServices(options: SystemdServicesOptions): ServiceControl {
  checkOptionNames("systemdServices", options, ["run", "units", "user", "readyWithinMs", "program", "clock"]);
  const { run, units, user = false, readyWithinMs = 90_000, program = "systemctl", clock = systemClock } = options;
  if (checkFunction("systemdServices.run", run) === undefined) {
    throw new InvalidArgumentError("systemdServices.run", "must be a function", run);
  }
  checkInteger("systemdServices.readyWithinMs", readyWithinMs, 1);
  // Not a pattern, nor an option.
  const isUnit = (unit: unknown): boolean => typeof unit === "string" && /^[A-Za-z0-9][\w:.@\\-]*\.\w+$/.test(unit);
  if (!Array.isArray(units) || !units.every(isUnit)) {
    throw new InvalidArgumentError("systemdServices.units", "must be full names of units, like api.service", units);
  }
  const scope = user ? ["--user"] : ["--system"];

  async function ask(given: readonly string[], signal: AbortSignal): Promise<string> {
    const { exitCode, stdout, lastWords } = await run([program, ...scope, "--no-pager", ...given], { signal });
    if (exitCode === 0) return stdout;
    throw new StepFailure("service", `${program} ${given[0]} failed: ${lastWords || `exit code ${exitCode}`}`);
  }

  async function status(unit: string, signal: AbortSignal): Promise<ServiceStatus> {
    const text = await ask(["show", `--property=${properties.join(",")}`, "--", unit], signal);
    const told = new Map(text.split("\n").map((line) => splitAt(line, "=")));
    if (told.get("LoadState") !== "loaded") {
      throw new StepFailure("configuration", `unit ${unit} is ${told.get("LoadState") ?? "unknown"}`);
    }
    const active = told.get("ActiveState") ?? "";
    const instance = told.get("InvocationID") ?? "";
    const result = told.get("Result") ?? "";
    return {
      // One that waits for its next try after a failure is `activating (auto-restart)`.
      state: states[active] ?? "failed",
      ...(instance === "" ? {} : { instance }),
      detail: `${active} (${told.get("SubState") ?? ""})${result === "" || result === "success" ? "" : `: ${result}`}`,
    };
  }

  async function restart(unit: string, signal: AbortSignal): Promise<ServiceStatus> {
    const before = await status(unit, signal);
    // Not waited for by systemctl: whoever stops waiting must not take the restart back.
    await ask(["restart", "--no-block", "--", unit], signal);
    const endMs = clock.now() + readyWithinMs;
    for (;;) {
      const now = await status(unit, signal);
      const isNew = now.instance !== undefined && now.instance !== before.instance;
      if (isNew && now.state === "ready") return now;
      // Its old life may have failed before: only a new one counts.
      if (isNew && now.state === "failed") throw new StepFailure("service", `unit ${unit} is ${now.detail}`);
      if (clock.now() >= endMs) {
        throw new StepFailure("service", `unit ${unit} is ${now.detail} after ${readyWithinMs} ms`);
      }
      await clock.sleep(askEveryMs, { signal });
    }
  }

  const never = new AbortController().signal;
  return {
    refuses: (unit) => (units.includes(unit) ? undefined : `must be one of ${units.join(", ") || "none"}`),
    restart: async (unit, { signal = never }: RestartRequest = {}) => await restart(checked(units, unit), signal),
    status: async (unit, { signal = never } = {}) => await status(checked(units, unit), signal),
  };
}

function checked(units: readonly string[], unit: string): string {
  if (units.includes(unit)) return unit;
  throw new InvalidArgumentError("service", `must be one of ${units.join(", ") || "none"}`, unit);
}

function splitAt(line: string, mark: string): [string, string] {
  const at = line.indexOf(mark);
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1).trim()];
}
