/** No text of an error is looked at, or copied, beyond this. */
const maxTextLength = 1024;

/**
 * What can be seen of anything that was thrown, without trusting it: a getter or proxy that throws reads as undefined,
 * texts are cut to `maxTextLength`. No `instanceof`: errors come from other realms and other copies of a package.
 */
export class ErrorShape {
  readonly value: unknown;
  readonly #object: Readonly<Record<string, unknown>> | undefined;

  constructor(value: unknown) {
    this.value = value;
    const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
    this.#object = isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  }

  get isObject(): boolean {
    return this.#object !== undefined;
  }

  /** A property, of the value or of its prototypes; undefined when it cannot be read. */
  get(key: string): unknown {
    if (this.#object === undefined) return undefined;
    try {
      return this.#object[key];
    } catch {
      return undefined;
    }
  }

  /** A property that is a text, cut. */
  text(key: string): string | undefined {
    const value = this.get(key);
    return typeof value === "string" ? cut(value) : undefined;
  }

  /** A property that is a finite number. */
  number(key: string): number | undefined {
    const value = this.get(key);
    return typeof value === "number" && Number.isFinite(value) ? value : undefined;
  }

  flag(key: string): boolean {
    return this.get(key) === true;
  }

  /** A property that is an object itself; one without properties for anything else. */
  child(key: string): ErrorShape {
    return new ErrorShape(this.get(key));
  }

  get name(): string {
    return this.text("name") ?? "";
  }

  /** Its message, or for what is no error what it is. */
  get message(): string {
    const message = this.text("message");
    if (message !== undefined) return message;
    if (typeof this.value === "string") return cut(this.value);
    if (this.#object !== undefined) return `${typeof this.value} without a message was thrown`;
    return `${String(this.value)} was thrown`;
  }
}

export function cut(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text;
}
