import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { FaultOrder, FaultParameters, LiveTarget } from "../../proof/index.ts";
import { checkFaultParameters, needLinux } from "./fault-rules.ts";
import { armGuard } from "./undo-guard.ts";
import { takeBack, type UndoStep } from "./undo-step.ts";

export interface LinkTargetOptions {
  /** What faults are aimed at. */
  readonly name: string;
  /** The network interface. */
  readonly link: string;
  /** The network namespace in which it is: never the machine's own, which one could not reach any more. */
  readonly namespace: string;
}

const namePattern = /^[\w.@-]{1,64}$/;
const ip = promisify(execFile);

/**
 * A network interface in a namespace as a target of live faults: `down` takes it down, as a cable that is pulled, and brings
 * it up again with its routes. Linux, root and `ip`. Whoever makes it agrees. A guard brings it up when the injector dies.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * const cable = linkTarget({ name: "cable", link: "eth0", namespace: "node-1" });
 */
export function linkTarget(options: LinkTargetOptions): LiveTarget {
  checkOptionNames("linkTarget", options, ["name", "link", "namespace"]);
  needLinux("linkTarget");
  for (const name of ["link", "namespace"] as const) {
    if (typeof options[name] === "string" && namePattern.test(options[name])) continue;
    throw new InvalidArgumentError(`linkTarget.${name}`, `must be the name of a ${name}`, options[name]);
  }
  return new LinkTarget(options);
}

class LinkTarget implements LiveTarget {
  readonly name: string;
  readonly kinds: readonly string[] = ["down"];
  readonly #options: LinkTargetOptions;
  /** By fault: several may hold it down at once. */
  readonly #disarm = new Map<string, () => void>();
  #undo: UndoStep | undefined;

  constructor(options: LinkTargetOptions) {
    this.name = options.name;
    this.#options = options;
  }

  optedIn(): boolean {
    return true;
  }

  check(_kind: string, parameters: FaultParameters): FaultParameters {
    return checkFaultParameters({}, parameters);
  }

  async prepare(): Promise<UndoStep> {
    // What another fault has taken down has no routes to tell.
    if (this.#disarm.size > 0 && this.#undo !== undefined) return this.#undo;
    const { link, namespace } = this.#options;
    const { stdout: state } = await ip("ip", ["-n", namespace, "-o", "link", "show", "dev", link]);
    if (!/<(?:.*,)?UP[,>]/.test(state)) throw new Error(`${link} is down already`);
    const { stdout } = await ip("ip", ["-n", namespace, "route", "show", "dev", link]);
    const routes = stdout
      .split("\n")
      // Those of the kernel come back by themselves.
      .filter((line) => line.trim() !== "" && !line.includes("proto kernel"))
      .map((line) => [
        ...line
          .replace(/\blinkdown\b/, "")
          .trim()
          .split(/\s+/),
        "dev",
        link,
      ]);
    return (this.#undo = { undo: "linkUp", namespace, link, routes });
  }

  async inject({ id, durationMs }: FaultOrder, undo: unknown): Promise<void> {
    const { link, namespace } = this.#options;
    this.#disarm.set(id, await armGuard(undo as UndoStep, durationMs));
    await ip("ip", ["-n", namespace, "link", "set", "dev", link, "down"]);
  }

  remove({ id }: FaultOrder, undo: unknown): void {
    if ([...this.#disarm.keys()].every((other) => other === id)) takeBack(undo as UndoStep);
    this.#disarm.get(id)?.();
    this.#disarm.delete(id);
  }
}
