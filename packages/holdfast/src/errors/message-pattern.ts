/** No message is looked at beyond this many characters. */
export const maxPatternLength = 512;

/** What stands for a part of a message that differs from one error to the next. */
const placeholders: readonly string[] = ["", " ", "<n>", "<hex>", "<id>", "<text>"];

/** FNV's prime, and another odd number with well spread bits. */
export const lowMultiplier = 0x01000193;
export const highMultiplier = 0x5bd1e995;

const literal = 0;
const space = 1;
const digits = 2;
const hex = 3;
const id = 4;
const quoted = 5;

/** What a character is: 1 a letter, 2 a digit, 4 a letter that is a hexadecimal digit too, 8 white space, 16 a quote. */
const classes = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  if (/[g-zG-Z_]/.test(char)) classes[code] = 1;
  else if (/[a-fA-F]/.test(char)) classes[code] = 1 | 4;
  else if (/\d/.test(char)) classes[code] = 2;
  else if (/\s/.test(char)) classes[code] = 8;
  else if (/["'`]/.test(char)) classes[code] = 16;
}

/**
 * What the messages of one error have in common: numbers (also times, addresses and ports), hexadecimal numbers, UUIDs and
 * other ids, and quoted texts are replaced by what they are; white space becomes one space.
 *
 * One pass over the first 512 characters, which remembers where the parts are, so that a hash needs no new text. Not safe
 * for reentrance: use what one `scan` found before the next.
 */
export class MessagePattern {
  /** Three numbers a part: from, to, and what it is. */
  readonly #parts = new Uint16Array(3 * (maxPatternLength + 1));
  #used = 0;
  #text = "";
  low = 0;
  high = 0;

  scan(text: string): this {
    this.#text = text;
    this.#used = 0;
    const end = Math.min(text.length, maxPatternLength);
    let from = 0;
    let at = 0;
    while (at < end) {
      const kind = classAt(text, at);
      if ((kind & 3) !== 0) {
        const next = this.#word(text, at, end, from);
        if (next < 0) at = -next;
        else from = at = next;
        continue;
      }
      let next = 0;
      if (kind === 8) {
        next = at + 1;
        while (next < end && classAt(text, next) === 8) next++;
        // One blank is what it would become.
        if (next === at + 1 && text.charCodeAt(at) === 32) next = 0;
      } else if (kind === 16) {
        next = closing(text, at, end);
      }
      if (next === 0) {
        at++;
        continue;
      }
      this.#add(from, at, literal);
      this.#add(at, next, kind === 8 ? space : quoted);
      from = at = next;
    }
    this.#add(from, end, literal);
    return this;
  }

  /** Goes on with two hashes, over the pattern and not the text; they are then in `low` and `high`. */
  hash(from: { readonly low: number; readonly high: number }): void {
    const parts = this.#parts;
    const text = this.#text;
    let { low, high } = from;
    for (let part = 0; part < this.#used; part += 3) {
      const kind = parts[part + 2] as number;
      if (kind === literal) {
        const to = parts[part + 1] as number;
        for (let at = parts[part] as number; at < to; at++) {
          const unit = text.charCodeAt(at);
          low = Math.imul(low ^ unit, lowMultiplier);
          high = Math.imul(high ^ unit, highMultiplier);
        }
      } else {
        const unit = kind === space ? 32 : 0x10000 + kind;
        low = Math.imul(low ^ unit, lowMultiplier);
        high = Math.imul(high ^ unit, highMultiplier);
      }
    }
    this.low = low;
    this.high = high;
  }

  toString(): string {
    const parts = this.#parts;
    let pattern = "";
    for (let part = 0; part < this.#used; part += 3) {
      const kind = parts[part + 2] as number;
      pattern += kind === literal ? this.#text.slice(parts[part], parts[part + 1]) : placeholders[kind];
    }
    return pattern;
  }

  #add(from: number, to: number, kind: number): void {
    if (to <= from) return;
    const used = this.#used;
    this.#parts[used] = from;
    this.#parts[used + 1] = to;
    this.#parts[used + 2] = kind;
    this.#used = used + 3;
  }

  /** A run of letters and digits. Where it ends; negative when it is to stay as it is. */
  #word(text: string, start: number, end: number, from: number): number {
    let at = start;
    let seen = 0;
    let allHex = true;
    let changes = 0;
    let digitsFrom = -1;
    let before = 0;
    for (; at < end; at++) {
      const kind = classAt(text, at);
      const isDigit = kind & 2;
      if ((kind & 3) === 0) break;
      seen |= kind;
      if ((kind & 6) === 0) allHex = false;
      if (isDigit !== before) {
        changes++;
        if (isDigit !== 0) digitsFrom = at;
      }
      before = isDigit;
    }
    const length = at - start;
    if (length === 8 && allHex && isUuid(text, start, end)) {
      this.#add(from, start, literal);
      this.#add(start, start + 36, id);
      return start + 36;
    }
    if ((seen & 2) === 0) {
      if (length < 40 && !(allHex && length >= 16)) return -at;
      this.#add(from, start, literal);
      this.#add(start, at, allHex ? hex : id);
      return at;
    }
    this.#add(from, start, literal);
    const isFirst = (classAt(text, start) & 2) !== 0;
    if (isFirst && changes === 1) {
      const next = numberEnd(text, at, end);
      this.#add(start, next, digits);
      return next;
    }
    if (length > 2 && text.charCodeAt(start) === 48 && (text.charCodeAt(start + 1) | 32) === 120) {
      this.#add(start, at, hex);
    } else if (allHex && length >= 8) this.#add(start, at, hex);
    else if (isFirst && changes === 2) {
      // A number with a unit, or a time whose date is joined to it by a letter.
      let unit = start;
      while ((classAt(text, unit) & 2) !== 0) unit++;
      if (at - unit <= 3) {
        this.#add(start, unit, digits);
        this.#add(unit, at, literal);
      } else this.#add(start, at, id);
    } else if (!isFirst && changes === 1) {
      // `user42`: the name of a thing with its number.
      this.#add(start, digitsFrom, literal);
      const next = numberEnd(text, at, end);
      this.#add(digitsFrom, next, digits);
      return next;
    } else this.#add(start, at, id);
    return at;
  }
}

function classAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? (classes[code] as number) : 1;
}

/** Goes on over `1.5`, `10.0.0.1:80` and `2026-01-01T10:00:00.000`: signs between digits belong to the number. */
function numberEnd(text: string, start: number, end: number): number {
  let at = start;
  while (at + 1 < end && (classAt(text, at + 1) & 2) !== 0) {
    const code = text.charCodeAt(at);
    // . : - , / T
    if (code !== 46 && code !== 58 && code !== 45 && code !== 44 && code !== 47 && code !== 84) break;
    at += 2;
    while (at < end && (classAt(text, at) & 2) !== 0) at++;
  }
  return at;
}

/** Behind the quote that closes the one at `start`; 0 when it is an apostrophe, or nothing closes it. */
function closing(text: string, start: number, end: number): number {
  if (start > 0 && (classAt(text, start - 1) & 3) !== 0) return 0;
  const quote = text.charCodeAt(start);
  for (let at = start + 1; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 92) at++;
    // A quote inside a word is an apostrophe.
    else if (code === quote && (at + 1 >= end || (classAt(text, at + 1) & 3) === 0)) return at + 1;
  }
  return 0;
}

function isUuid(text: string, start: number, end: number): boolean {
  if (start + 36 > end) return false;
  for (let at = start; at < start + 36; at++) {
    const place = at - start;
    const isDash = place === 8 || place === 13 || place === 18 || place === 23;
    if (isDash ? text.charCodeAt(at) !== 45 : (classAt(text, at) & 6) === 0) return false;
  }
  return start + 36 >= text.length || (classAt(text, start + 36) & 3) === 0;
}
