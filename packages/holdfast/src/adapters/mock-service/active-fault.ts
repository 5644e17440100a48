import type { FaultParameters } from "../../proof/index.ts";
import type { Random } from "../../runtime/index.ts";
import type { MockFaultKind, MockFaultState } from "./mock-fault.ts";
import { PathPattern } from "./path-pattern.ts";

/** What a fault looks at to know whether it is meant. */
export interface AimedAt {
  readonly method: string;
  readonly path: readonly string[];
  /** Undefined where nothing is there. */
  readonly route: string | undefined;
}

/** One fault that goes on, with its own chance, so that others shift nothing of it. */
export class ActiveFault {
  readonly id: string;
  readonly kind: MockFaultKind;
  readonly parameters: FaultParameters;
  readonly random: Random;
  /** Aborts when it ends. */
  readonly ended: AbortSignal;
  readonly #end = new AbortController();
  readonly #pattern: PathPattern | undefined;
  struck = 0;
  #passed = 0;
  #drawn = 0;
  #window = { endsAt: -Infinity, requests: 0 };

  constructor(id: string, kind: MockFaultKind, parameters: FaultParameters, random: Random) {
    this.id = id;
    this.kind = kind;
    this.parameters = parameters;
    this.random = random;
    this.ended = this.#end.signal;
    const { path } = parameters;
    this.#pattern = typeof path === "string" ? new PathPattern("fault.path", path) : undefined;
  }

  get state(): MockFaultState {
    const { id, kind, parameters, struck } = this;
    return { id, kind, parameters, struck };
  }

  /** Undefined where it has no such number. */
  number(name: string): number | undefined {
    const value = this.parameters[name];
    return typeof value === "number" ? value : undefined;
  }

  /** Whether it strikes this request: drawn once. Whoever then does not apply it says so with `release`. */
  draw({ method, path, route }: AimedAt, now: number): boolean {
    const { parameters } = this;
    if (this.kind === "down") return false;
    if (parameters["route"] !== undefined && parameters["route"] !== route) return false;
    if (parameters["method"] !== undefined && parameters["method"] !== method) return false;
    if (this.#pattern !== undefined && this.#pattern.match(path) === undefined) return false;
    if (this.#passed < (this.number("skip") ?? 0)) {
      this.#passed++;
      return false;
    }
    if (this.#drawn >= (this.number("times") ?? Infinity)) return false;
    if (this.random.next() >= (this.number("ratio") ?? 1)) return false;
    if (this.kind === "rateLimit" && !this.#isBeyond(now)) return false;
    this.#drawn++;
    return true;
  }

  /** It had no effect after all, and counts for none of its `times`. */
  release(): void {
    this.#drawn--;
  }

  strike(): void {
    this.struck++;
  }

  /** How long the present window of a rate limit still lasts. */
  windowLeftMs(now: number): number {
    return Math.max(0, this.#window.endsAt - now);
  }

  end(): void {
    this.#end.abort();
  }

  #isBeyond(now: number): boolean {
    if (now >= this.#window.endsAt) this.#window = { endsAt: now + (this.number("perMs") ?? 0), requests: 0 };
    return ++this.#window.requests > (this.number("requests") ?? 0);
  }
}
