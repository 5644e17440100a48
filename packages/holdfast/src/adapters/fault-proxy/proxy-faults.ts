import { networkFault, type FaultOrder, type NetworkFaultKind, type ProxyFault } from "../../proof/index.ts";

interface CountedFault extends ProxyFault {
  struck: number;
}

/** What strikes a proxy at the moment, told to its connections. */
export class ProxyFaults {
  readonly #faults = new Map<string, CountedFault>();
  readonly #listeners = new Set<() => void>();

  get present(): Iterable<ProxyFault> {
    return this.#faults.values();
  }

  get size(): number {
    return this.#faults.size;
  }

  find(kind: NetworkFaultKind): ProxyFault | undefined {
    for (const one of this.#faults.values()) if (one.fault.kind === kind) return one;
    return undefined;
  }

  add({ id, kind, parameters }: FaultOrder): void {
    const fault = networkFault(id, kind as NetworkFaultKind, parameters);
    const counted: CountedFault = { fault, struck: 0, strike: () => void counted.struck++ };
    this.#faults.set(id, counted);
    this.#tell();
  }

  remove(id: string): void {
    if (this.#faults.delete(id)) this.#tell();
  }

  struck(id: string): number {
    return this.#faults.get(id)?.struck ?? 0;
  }

  /** Calls back after each change, until what is returned is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
