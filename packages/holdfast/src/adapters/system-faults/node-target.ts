import { connect, type Socket } from "node:net";
import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { FaultOrder, FaultParameters, LiveTarget } from "../../proof/index.ts";
import { controlDirectory, controlPath, type ControlAnswer, type ControlRequest } from "./control-place.ts";
import { checkFaultParameters, checkKinds, needLinux } from "./fault-rules.ts";
import { nodeFaultKinds, nodeRules, type NodeFaultKind } from "./node-rules.ts";
import { processAgrees } from "./opt-in.ts";
import { processEnvironment, processOwner, processRecord } from "./process-record.ts";

export interface NodeTargetOptions {
  /** What faults are aimed at. */
  readonly name: string;
  /** Its number, or what tells the present one; undefined while it does not run. */
  readonly pid: number | (() => number | undefined);
  /** The kinds that strike it. Default all. */
  readonly allow?: readonly NodeFaultKind[];
}

const answerWithinMs = 10_000;

/**
 * A Node process with the preload as a target of live faults from within: its clocks and timers, its event loop, its files
 * and how many of them it may open. It has agreed when its environment says `HOLDFAST_FAULTS=allow` (or names kinds). Its
 * faults end with the connection of the injector, and by themselves after their time.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * // HOLDFAST_FAULTS=allow node --import holdfast/adapters/system-faults/preload service.js
 * const faults = faultRegistry({ clock: nodeRuntime().clock, targets: [nodeTarget({ name: "service", pid })] });
 * await faults.inject({ target: "service", kind: "clockSkew", parameters: { byMs: 3_600_000 }, durationMs: 5_000 });
 */
export function nodeTarget(options: NodeTargetOptions): NodeTarget {
  checkOptionNames("nodeTarget", options, ["name", "pid", "allow"]);
  needLinux("nodeTarget");
  const { name, pid } = options;
  if (typeof pid !== "function") checkInteger("nodeTarget.pid", pid, 2);
  const allow = checkKinds("nodeTarget.allow", options.allow ?? nodeFaultKinds, nodeFaultKinds);
  return new LinuxNodeTarget(name, allow, typeof pid === "number" ? () => pid : pid);
}

/** A target that can say how often a fault has struck while that goes on. */
export interface NodeTarget extends LiveTarget {
  /** How often so far, this look at the clock included: what a process that dies meanwhile could not tell at the end. */
  look(id: string): Promise<number>;
}

/**
 * Checks the parameters of a kind and fills in the defaults, without a process.
 *
 * @throws InvalidArgumentError: `parameters.share must be a number >= 0 and <= 1 (got 7)`
 */
export function checkNodeFault(kind: NodeFaultKind, parameters: FaultParameters): FaultParameters {
  const checked = checkFaultParameters(nodeRules[kind], parameters);
  const { path } = checked;
  if (typeof path === "string" && !path.startsWith("/")) {
    throw new InvalidArgumentError("parameters.path", "must be an absolute path", path);
  }
  return checked;
}

class LinuxNodeTarget implements NodeTarget {
  readonly name: string;
  readonly kinds: readonly NodeFaultKind[];
  readonly #pid: () => number | undefined;
  /** Over which connection each fault came. */
  readonly #lines = new Map<string, ControlLine>();
  readonly #struck = new Map<string, number>();

  constructor(name: string, allow: readonly NodeFaultKind[], pid: () => number | undefined) {
    this.name = name;
    this.kinds = allow;
    this.#pid = pid;
  }

  optedIn(kind: string): boolean {
    const pid = this.#pid();
    return pid !== undefined && processAgrees(pid, kind);
  }

  check(kind: string, parameters: FaultParameters): FaultParameters {
    return checkNodeFault(kind as NodeFaultKind, parameters);
  }

  async inject({ id, kind, parameters, durationMs }: FaultOrder): Promise<void> {
    const line = await ControlLine.open(this.name, this.#pid());
    this.#lines.set(id, line);
    const { struck } = await line.ask({ inject: id, kind, parameters, durationMs });
    this.#note(id, struck);
  }

  /** For an injector that has crashed there is nothing to do: its connections went with it. */
  async remove({ id }: FaultOrder): Promise<void> {
    const line = this.#lines.get(id);
    if (line === undefined) return;
    // A process that has ended has no faults any more.
    if (!line.isClosed) this.#note(id, (await line.ask({ remove: id })).struck);
    line.close();
    this.#lines.delete(id);
  }

  async look(id: string): Promise<number> {
    const line = this.#lines.get(id);
    if (line === undefined || line.isClosed) return this.#struck.get(id) ?? 0;
    const { struck } = await line.ask({ look: id });
    this.#note(id, struck);
    return struck;
  }

  /** Readings of clocks, operations on files, blocks of the loop; known when the fault has ended. */
  struck(id: string): number | undefined {
    return this.#struck.get(id);
  }

  #note(id: string, struck: number): void {
    this.#struck.delete(id);
    this.#struck.set(id, struck);
    for (const oldest of this.#struck.keys()) {
      if (this.#struck.size <= maxCounts) return;
      this.#struck.delete(oldest);
    }
  }
}

const maxCounts = 1_000;

/** A connection to the preload of a process, for one fault. */
class ControlLine {
  readonly #socket: Socket;
  #isClosed = false;
  #text = "";
  /** In the order of their requests, as the answers are. One that was not waited for to the end keeps its place. */
  readonly #waiting: PromiseWithResolvers<ControlAnswer>[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8").on("data", (chunk: string) => this.#hear(chunk));
    socket.on("close", () => {
      this.#isClosed = true;
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("the process has closed the connection"));
    });
  }

  static async open(name: string, pid: number | undefined): Promise<ControlLine> {
    const record = pid === undefined ? undefined : processRecord(pid);
    if (pid === undefined || record === undefined) throw new Error(`${name} does not run`);
    const directory = controlDirectory(processEnvironment(pid), processOwner(pid) ?? 0);
    const socket = connect(controlPath(directory, pid, record.identity));
    return new Promise((resolve, reject) => {
      socket.once("connect", () => resolve(new ControlLine(socket)));
      socket.on("error", (error: NodeJS.ErrnoException) => {
        const hint = "was it started with --import holdfast/adapters/system-faults/preload?";
        reject(new Error(`process ${pid} does not listen for faults (${error.code}): ${hint}`));
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async ask(request: ControlRequest): Promise<ControlAnswer> {
    const waiting = Promise.withResolvers<ControlAnswer>();
    this.#waiting.push(waiting);
    const { promise, reject } = waiting;
    const timer = setTimeout(() => reject(new Error(`no answer in ${answerWithinMs} ms`)), answerWithinMs);
    this.#socket.write(`${JSON.stringify(request)}\n`);
    try {
      const answer = await promise;
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(chunk: string): void {
    this.#text += chunk;
    const lines = this.#text.split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) this.#waiting.shift()?.resolve(JSON.parse(line) as ControlAnswer);
  }
}
