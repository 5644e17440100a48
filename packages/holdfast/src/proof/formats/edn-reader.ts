/** Why a text is no EDN, and where. */
export class EdnError extends Error {
  readonly at: number;
  /** The text ends too early: more of it may mend that. */
  readonly cut: boolean;

  constructor(reason: string, at: number, cut = false) {
    super(reason);
    this.at = at;
    this.cut = cut;
  }
}

/** Deeper than any history's values, and far from the end of the stack here and in whoever walks a value later. */
const maxDepth = 100;

const named: Readonly<Record<string, unknown>> = { nil: null, true: true, false: false };
const closers: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}" };
const escapes: Readonly<Record<string, string>> = {
  t: "\t",
  r: "\r",
  n: "\n",
  b: "\b",
  f: "\f",
  '"': '"',
  "\\": "\\",
};
const plainText: RegExp = /[^"\\]*/y;
const isBlank = (code: number): boolean => code === 32 || code === 44 || (code >= 9 && code <= 13);

/** Which of the first 128 characters end a name or a number; beyond them only those of `endsBeyond` do. */
const ends: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) =>
  Number(code <= 32 || code === 127 || ',;"()[]{}\\^@~`'.includes(String.fromCharCode(code))),
);
const endsBeyond: RegExp = /[\s\p{Cc}\uFFFD]/u;
const digits: RegExp = /^\d+$/;
const integer: RegExp = /^[+-]?(?:0|[1-9]\d*)N?$/;
const decimal: RegExp = /^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?M?$/;
const otherNumber: RegExp = /^[+-]?(?:\d+\/\d+|0[xX][\da-fA-F]+)$/;

/**
 * Reads EDN as Clojure writes it, one value after the other. Values become JSON's: keywords and symbols their names,
 * lists and sets arrays (a set's in a fixed order), maps objects with text for keys, characters and what a number cannot
 * hold exactly text; tags and metadata are left out.
 */
export class EdnReader {
  readonly #text: string;
  readonly #final: boolean;
  #at = 0;
  #discards = 0;
  #collections = 0;

  /** `final`: no more text follows, so that what stands at the very end is whole. */
  constructor(text: string, final: boolean) {
    this.#text = text;
    this.#final = final;
  }

  /** Where the next read begins. */
  get at(): number {
    return this.#at;
  }

  /** How many vectors, lists, sets and maps have been begun. */
  get collections(): number {
    return this.#collections;
  }

  /** The next character that means something; empty at the end. */
  peek(): string {
    for (;;) {
      while (isBlank(this.#text.charCodeAt(this.#at))) this.#at++;
      const char = this.#text[this.#at] ?? "";
      if (char === ";") this.#skipComment();
      else if (char === "#" && this.#text[this.#at + 1] === "_") {
        this.#discard();
      } else if (char === "#" && this.#at + 1 === this.#text.length && !this.#final) throw this.#cut();
      else return char;
    }
  }

  /** Passes a character that `peek` showed. */
  skip(): void {
    this.#at++;
  }

  /** Passes a tag, when the next thing is one. */
  skipTag(): boolean {
    if (this.peek() !== "#" || !/[\p{L}]/u.test(this.#text[this.#at + 1] ?? "")) return false;
    this.#at++;
    this.#token();
    return true;
  }

  /** @throws EdnError */
  read(): unknown {
    return this.#read(0);
  }

  #read(depth: number): unknown {
    for (;;) {
      const char = this.peek();
      if (char === "") throw this.#cut();
      if (depth > maxDepth) throw new EdnError(`is nested deeper than ${maxDepth}`, this.#at);
      switch (char) {
        case "{":
          return this.#map(depth);
        case "[":
        case "(":
          return this.#sequence(depth);
        case '"':
          return this.#string();
        case "\\":
          return this.#character();
        case ":":
          this.#at++;
          return this.#name("a keyword");
        case "^":
          this.#at++;
          this.#read(depth + 1);
          continue;
        case "#":
          if (this.#dispatch(depth)) continue;
          return this.#afterHash(depth);
        default:
          return this.#atom();
      }
    }
  }

  /** Passes what changes nothing: a tag. Whether there was one. */
  #dispatch(depth: number): boolean {
    const next = this.#text[this.#at + 1] ?? "";
    if (next === "") throw this.#cut();
    return depth <= maxDepth && this.skipTag();
  }

  #afterHash(depth: number): unknown {
    const start = this.#at++;
    switch (this.#text[this.#at]) {
      case "{": {
        const members = this.#sequence(depth);
        return members
          .map((member) => [JSON.stringify(member), member] as const)
          .sort(byText)
          .map(([, member]) => member);
      }
      case '"':
        return this.#string();
      case "#":
        this.#at++;
        return this.#name("a symbolic value");
      default:
        throw new EdnError(`has an unexpected ${JSON.stringify(this.#text.slice(start, start + 2))}`, start);
    }
  }

  #sequence(depth: number): unknown[] {
    const close = closers[this.#text[this.#at] ?? ""] ?? "";
    this.#at++;
    this.#collections++;
    const items: unknown[] = [];
    while (!this.#closed(close)) items.push(this.#read(depth + 1));
    // An array that grew has room for more; most have two elements and are kept.
    return items.slice();
  }

  #map(depth: number): unknown {
    this.#at++;
    this.#collections++;
    const fields: Record<string, unknown> = {};
    while (!this.#closed("}")) {
      const start = this.#at;
      const key = this.#read(depth + 1);
      const name = typeof key === "string" ? key : JSON.stringify(key);
      if (Object.hasOwn(fields, name)) throw new EdnError(`has the key ${name} twice in a map`, start);
      if (this.peek() === "}") throw new EdnError(`has no value for the key ${name} of a map`, start);
      const value = this.#read(depth + 1);
      // An assignment to this name would change the object's prototype.
      if (name === "__proto__") Object.defineProperty(fields, name, { value, enumerable: true });
      else fields[name] = value;
    }
    return fields;
  }

  /** Passes the closing bracket, when it is next. */
  #closed(close: string): boolean {
    const char = this.peek();
    if (char === "") throw this.#cut();
    if (char === close) this.#at++;
    else if (char === "]" || char === ")" || char === "}") {
      throw new EdnError(`has ${char} where ${close} is missing`, this.#at);
    }
    return char === close;
  }

  #string(): string {
    const start = this.#at++;
    let text = "";
    for (;;) {
      plainText.lastIndex = this.#at;
      text += plainText.exec(this.#text)?.[0] ?? "";
      this.#at = plainText.lastIndex;
      const char = this.#text[this.#at];
      if (char === undefined) throw new EdnError("ends within a string", start, true);
      this.#at++;
      if (char === '"') return detached(text);
      const escape = this.#text[this.#at];
      if (escape === undefined) throw new EdnError("ends within a string", start, true);
      this.#at++;
      const hex = escape === "u" ? /^[\da-fA-F]{4}/.exec(this.#text.slice(this.#at, this.#at + 4))?.[0] : undefined;
      const octal = /^[0-3]?[0-7]{1,2}/.exec(escape + this.#text.slice(this.#at, this.#at + 2))?.[0];
      if (hex !== undefined) {
        text += String.fromCharCode(Number.parseInt(hex, 16));
        this.#at += 4;
      } else if (octal !== undefined) {
        text += String.fromCharCode(Number.parseInt(octal, 8));
        this.#at += octal.length - 1;
      } else if (escapes[escape] !== undefined) text += escapes[escape];
      else if (this.#text.length - this.#at < 4 && !this.#final) throw this.#cut();
      else throw new EdnError(`has an unknown escape \\${escape} in a string`, this.#at - 2);
    }
  }

  #character(): string {
    const start = this.#at++;
    const first = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    this.#at += this.#at < this.#text.length ? first.length : 0;
    const name = first + (/[\p{L}\p{N}]/u.test(first) ? this.#token() : "");
    if (this.#at === this.#text.length && !this.#final) throw this.#cut();
    const code = /^(?:u([\da-fA-F]{4})|o([0-3]?[0-7]{1,2}))$/.exec(name);
    if (code !== null)
      return String.fromCharCode(Number.parseInt(code[1] ?? code[2] ?? "", code[1] === undefined ? 8 : 16));
    const known = { newline: "\n", space: " ", tab: "\t", return: "\r", backspace: "\b", formfeed: "\f" }[name];
    if (known !== undefined) return known;
    if (name === first && first !== "\0") return first;
    throw new EdnError(`has an unknown character \\${name.slice(0, 20)}`, start);
  }

  #atom(): unknown {
    const start = this.#at;
    const text = this.#token();
    if (text === "") throw new EdnError(`has an unexpected ${JSON.stringify(this.#text[start])}`, start);
    const first = text.charCodeAt(0);
    if (first > 0x2f && first < 0x3a && text.length < 16 && (first !== 0x30 || text.length === 1)) {
      const number = Number(text);
      if (Number.isInteger(number) && digits.test(text)) return number;
    }
    if (Object.hasOwn(named, text)) return named[text];
    if (!/^[+-]?\d/.test(text)) return detached(text);
    if (integer.test(text)) {
      const plain = text.replace(/N$/, "").replace(/^\+/, "");
      return Number.isSafeInteger(Number(plain)) ? Number(plain) : detached(plain);
    }
    // Beyond 15 digits two decimals that differ may be one number.
    if (decimal.test(text))
      return text.endsWith("M") && text.length > 16 ? detached(text) : Number(text.replace(/M$/, ""));
    if (otherNumber.test(text)) return text.includes("/") ? detached(text) : Number(text);
    throw new EdnError(`has no number in ${JSON.stringify(text.slice(0, 40))}`, start);
  }

  #name(what: string): string {
    const text = this.#token();
    if (text === "" && this.#at === this.#text.length) throw this.#cut();
    if (text === "") throw new EdnError(`has ${what} without a name`, this.#at);
    return detached(text);
  }

  #token(): string {
    const start = this.#at;
    for (let code = this.#text.charCodeAt(start); !Number.isNaN(code); code = this.#text.charCodeAt(++this.#at)) {
      if (code < 128 ? ends[code] === 1 : endsBeyond.test(this.#text.charAt(this.#at))) break;
    }
    const text = this.#text.slice(start, this.#at);
    if (this.#at === this.#text.length && !this.#final) throw this.#cut();
    return text;
  }

  #skipComment(): void {
    const end = this.#text.indexOf("\n", this.#at);
    if (end === -1 && !this.#final) throw this.#cut();
    this.#at = end === -1 ? this.#text.length : end + 1;
  }

  #discard(): void {
    this.#at += 2;
    if (++this.#discards > maxDepth) throw new EdnError(`is nested deeper than ${maxDepth}`, this.#at);
    this.#read(0);
    this.#discards--;
  }

  #cut(): EdnError {
    return new EdnError("ends within a value", this.#at, true);
  }
}

/**
 * Reads one EDN value as JSON's: names for keywords and symbols, lists for sets, no tags.
 * @throws SyntaxError
 */
export function parseEdn(text: string): unknown {
  try {
    const reader = new EdnReader(text, true);
    const value = reader.read();
    if (reader.peek() === "") return value;
    throw new EdnError("goes on after its value", reader.at);
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
    throw new SyntaxError(`EDN ${error.message}, at character ${error.at + 1}`, { cause: error });
  }
}

function byText([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}

/** A part of a text keeps all of it in memory; a value is kept, its file's text is not. */
function detached(text: string): string {
  return text.length < 13 ? text : (JSON.parse(JSON.stringify(text)) as string);
}
