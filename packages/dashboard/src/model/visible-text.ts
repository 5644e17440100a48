/**
 * Signs that take no room, turn the direction around, or belong to terminals: a text with one would look like another. All of
 * format and control but tabs and ends of lines.
 */
const unseenSigns = /(?![\t\n\v\f\r])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A text in which what cannot be seen is written out. */
export function visibleText(text: string): string {
  return text.replaceAll(unseenSigns, (sign) => `\\u${sign.codePointAt(0)?.toString(16).padStart(4, "0")}`);
}
