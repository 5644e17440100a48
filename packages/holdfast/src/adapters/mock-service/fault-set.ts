import { InvalidArgumentError } from "../../errors/base.ts";
import type { FaultParameters } from "../../proof/index.ts";
import type { Random } from "../../runtime/index.ts";
import { ActiveFault, type AimedAt } from "./active-fault.ts";
import type { MockFaultKind } from "./mock-fault.ts";

/** Who ends a fault: the service itself, or a registry of live faults. Each has ids of its own. */
export type FaultOwner = "service" | "registry";

/** Everything that strikes a service at the moment, in the order in which it began. */
export class FaultSet {
  readonly #random: Random;
  readonly #maxFaults: number;
  readonly #faults = new Map<string, ActiveFault>();
  /** The last of those that have ended: their effects can still be under way, and a registry asks after the end too. */
  readonly #ended = new Map<string, ActiveFault>();
  /** Effects of all that are forgotten, by kind. */
  readonly #counts = new Map<MockFaultKind, number>();
  #named = 0;

  constructor(random: Random, maxFaults: number) {
    this.#random = random;
    this.#maxFaults = maxFaults;
  }

  get present(): readonly ActiveFault[] {
    return [...this.#faults.values()];
  }

  get down(): ActiveFault | undefined {
    return this.present.find(({ kind }) => kind === "down");
  }

  /** Those that have ended too. */
  get counts(): Readonly<Partial<Record<MockFaultKind, number>>> {
    const counts = new Map(this.#counts);
    for (const { kind, struck } of [...this.#faults.values(), ...this.#ended.values()])
      counts.set(kind, (counts.get(kind) ?? 0) + struck);
    return Object.fromEntries([...counts].filter(([, count]) => count > 0));
  }

  /** @throws InvalidArgumentError when the id is taken, or there are too many */
  add(
    at: string,
    owner: FaultOwner,
    {
      id,
      kind,
      parameters,
    }: { readonly id: string | undefined; readonly kind: MockFaultKind; readonly parameters: FaultParameters },
  ): ActiveFault {
    if (this.#faults.size >= this.#maxFaults) {
      throw new InvalidArgumentError(at, `must be one of at most ${this.#maxFaults} faults`, this.#faults.size + 1);
    }
    let own = id;
    if (own !== undefined && this.#faults.has(keyOf(owner, own))) {
      throw new InvalidArgumentError(`${at}.id`, "must be unique", own);
    }
    while (own === undefined || this.#faults.has(keyOf(owner, own))) own = `${kind}-${++this.#named}`;
    const fault = new ActiveFault(own, kind, parameters, this.#random.fork(own));
    this.#faults.set(keyOf(owner, own), fault);
    this.#forget(keyOf(owner, own));
    return fault;
  }

  find(owner: FaultOwner, id: string): ActiveFault | undefined {
    return this.#faults.get(keyOf(owner, id));
  }

  /** What it strikes goes on. Whether there was one. */
  remove(owner: FaultOwner, id: string): boolean {
    const key = keyOf(owner, id);
    const fault = this.#faults.get(key);
    if (fault === undefined) return false;
    this.#faults.delete(key);
    this.#ended.set(key, fault);
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined && this.#ended.size > this.#maxFaults) this.#forget(oldest);
    fault.end();
    return true;
  }

  /** All that the service itself has. */
  removeOwn(): void {
    for (const [key, { id }] of this.#faults) if (key === keyOf("service", id)) this.remove("service", id);
  }

  /** Also after its end, unless that is long ago. */
  struck(owner: FaultOwner, id: string): number | undefined {
    const key = keyOf(owner, id);
    return (this.#faults.get(key) ?? this.#ended.get(key))?.struck;
  }

  /** What strikes a request; each is drawn here and nowhere else. */
  draw(request: AimedAt, now: number): readonly ActiveFault[] {
    if (this.#faults.size === 0) return [];
    return this.present.filter((fault) => fault.draw(request, now));
  }

  #forget(key: string): void {
    const fault = this.#ended.get(key);
    if (fault === undefined) return;
    this.#ended.delete(key);
    this.#counts.set(fault.kind, (this.#counts.get(fault.kind) ?? 0) + fault.struck);
  }
}

function keyOf(owner: FaultOwner, id: string): string {
  return `${owner} ${id}`;
}
