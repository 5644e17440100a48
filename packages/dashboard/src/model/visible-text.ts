/** Signs that take no room, turn the direction around, or belong to terminals: a text with one would look like another. */
// oxlint-disable-next-line no-control-regex -- these are what cannot be seen
const unseenSigns =
  /[\u0000-\u0008\u000E-\u001F\u007F-\u009F\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/g;

/** A text in which what cannot be seen is written out. */
export function visibleText(text: string): string {
  return text.replaceAll(unseenSigns, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
