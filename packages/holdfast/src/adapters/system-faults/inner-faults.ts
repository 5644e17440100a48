import type { ControlAnswer, ControlRequest } from "./control-place.ts";
import { FaultableTimeout } from "./faultable-timeout.ts";
import { FaultedTime, type ClockFaultKind } from "./faulted-time.ts";
import { FileFaults, type FileFaultKind } from "./file-faults.ts";
import { blockLoop, holdMemory, openFiles, type InnerFault } from "./loop-faults.ts";
import { realTime } from "./clock-patch.ts";
import { agreesTo } from "./opt-in.ts";

/** Taken when this is loaded: before anything is patched. */
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;

/** How much later than the injector the process itself ends a fault. */
const graceMs = 250;

/** What goes wrong in this process. */
export class InnerFaults {
  readonly time: FaultedTime = new FaultedTime(realTime, () => FaultableTimeout.moveAll());
  readonly files: FileFaults = new FileFaults();
  readonly #agreement: string;
  /** By its owner's id. */
  readonly #faults = new Map<string, InnerFault & { readonly timer: NodeJS.Timeout }>();

  /** @param agreement the kinds that this process agrees to: injectors look, too, but the word is its own */
  constructor(agreement: string) {
    this.#agreement = agreement;
  }

  /** What an injector asks for. Its own id stands before those of its faults. */
  answer(owner: string, request: ControlRequest): ControlAnswer {
    if ("remove" in request) return { id: request.remove, struck: this.#end(`${owner}/${request.remove}`) };
    if ("look" in request) {
      // As the program would: where nobody else asks for the time, it is seen to be wrong all the same.
      const wall = Date.now();
      return { id: request.look, struck: this.#faults.get(`${owner}/${request.look}`)?.struck() ?? 0, wall };
    }
    const { inject: id, kind, parameters, durationMs } = request;
    const key = `${owner}/${id}`;
    try {
      if (!agreesTo(this.#agreement, kind)) throw new Error(`this process has not agreed to ${kind}`);
      this.#end(key);
      const fault = this.#begin(key, kind, parameters);
      const timer = realSetTimeout(() => this.#end(key), durationMs + graceMs).unref();
      this.#faults.set(key, { ...fault, timer });
      return { id, struck: fault.struck() };
    } catch (error) {
      return { id, struck: 0, error: (error as Error).message };
    }
  }

  /** The injector is gone: nothing of it stays. */
  endAll(owner: string): void {
    for (const key of this.#faults.keys()) if (key.startsWith(`${owner}/`)) this.#end(key);
  }

  #begin(key: string, kind: string, parameters: Readonly<Record<string, unknown>>): InnerFault {
    if (kind === "blockedLoop") return blockLoop(Number(parameters["share"]), Number(parameters["everyMs"]));
    if (kind === "memory") return holdMemory(Number(parameters["bytes"]));
    if (kind === "openFiles") return openFiles(Number(parameters["leave"]));
    if (kind.startsWith("clock")) {
      this.time.add(key, kind as ClockFaultKind, parameters);
      return ending(this.time, key);
    }
    this.files.add(key, kind as FileFaultKind, parameters);
    return ending(this.files, key);
  }

  #end(key: string): number {
    const fault = this.#faults.get(key);
    if (fault === undefined) return 0;
    this.#faults.delete(key);
    realClearTimeout(fault.timer);
    const struck = fault.struck();
    fault.end();
    return struck;
  }
}

function ending(where: FaultedTime | FileFaults, key: string): InnerFault {
  return { struck: () => where.struck(key), end: () => where.remove(key) };
}
