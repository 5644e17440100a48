import { classify, type ErrorKind } from "../../errors/index.ts";
import type { LoadFailure } from "./load-report.ts";

const maxCodes = 100;
const maxMessage = 200;
const restOfCodes = "OTHER";

interface Counted {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  count: number;
}

/** Counts failures by the kind and code that they are classified as. */
export class FailureTally {
  readonly #byCode = new Map<string, Counted>();

  add(error: unknown): void {
    const { kind, code, message } = classify(error);
    const own = this.#byCode.get(`${kind} ${code}`);
    const isNew = own === undefined && this.#byCode.size < maxCodes;
    const counted = own ?? this.#entry(kind, isNew ? code : restOfCodes, message);
    counted.count++;
  }

  list(): LoadFailure[] {
    return [...this.#byCode.values()].map((each) => ({ ...each })).toSorted((a, b) => b.count - a.count);
  }

  #entry(kind: ErrorKind, code: string, message: string): Counted {
    const key = code === restOfCodes ? restOfCodes : `${kind} ${code}`;
    const entry = this.#byCode.get(key) ?? { kind, code, message: message.slice(0, maxMessage), count: 0 };
    this.#byCode.set(key, entry);
    return entry;
  }
}
