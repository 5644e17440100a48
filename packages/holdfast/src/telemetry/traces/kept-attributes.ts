import type { AttributeValue, Attributes } from "./span.ts";

/** Attributes up to a bound, with a count of those beyond it. */
export class AttributeTable {
  readonly values: Record<string, AttributeValue> = {};
  readonly #maxEntries: number;
  readonly #maxText: number;
  #size = 0;
  dropped = 0;

  constructor(maxEntries: number, maxText: number) {
    this.#maxEntries = maxEntries;
    this.#maxText = maxText;
  }

  set(name: string, value: AttributeValue | undefined): void {
    const kept = keptValue(value, this.#maxText);
    if (kept === undefined || typeof name !== "string" || name === "" || name === "__proto__") return;
    if (!Object.hasOwn(this.values, name)) {
      if (this.#size >= this.#maxEntries) {
        this.dropped++;
        return;
      }
      this.#size++;
    }
    this.values[name] = kept;
  }

  setAll(attributes: Attributes | undefined): void {
    if (typeof attributes !== "object" || attributes === null) return;
    for (const name of Object.keys(attributes)) this.set(name, attributes[name]);
  }
}

const maxItems = 128;

/** A copy of what lists hold, since the owner may go on changing them. Undefined for what is no attribute's value. */
function keptValue(value: unknown, maxText: number): AttributeValue | undefined {
  if (typeof value === "string") return value.length > maxText ? value.slice(0, maxText) : value;
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value.slice(0, maxItems);
  const [first] = items;
  if (!["string", "number", "boolean"].includes(typeof first) && items.length > 0) return undefined;
  if (items.some((item) => typeof item !== typeof first)) return undefined;
  return items.map((item) => keptValue(item, maxText)) as unknown as AttributeValue;
}
