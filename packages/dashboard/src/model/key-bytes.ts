import { visibleText } from "./visible-text.ts";

/** Keys and values are bytes; these are the ways to show and to send them. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** Undefined when the bytes are no UTF-8, or have signs that no reader would see. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    // oxlint-disable-next-line no-control-regex -- these are what cannot be shown
    return /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Sixteen bytes a line, with the address before them. */
export function hexOf(bytes: Uint8Array, maxBytes: number = 64 * 1024): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, maxBytes); at += 16) {
    const row = Array.from(bytes.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, "0"));
    lines.push(`${at.toString(16).padStart(6, "0")}  ${row.join(" ")}`);
  }
  if (bytes.length > maxBytes) lines.push(`… and ${bytes.length - maxBytes} bytes more`);
  return lines.join("\n");
}

/** A key as one line: as text, or as hexadecimal where it is none. */
export function keyLabel(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text !== undefined) return visibleText(text);
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** The first key after all that begin with `prefix`; a single zero byte, all keys, when there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array<ArrayBuffer> {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const byte = prefix[at] ?? 0xff;
    if (byte < 0xff) return Uint8Array.from([...prefix.subarray(0, at), byte + 1]);
  }
  return new Uint8Array([0]);
}

/** Laid out JSON, or undefined when it is none. */
export function jsonOf(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text) as unknown, null, 2);
  } catch {
    return undefined;
  }
}
