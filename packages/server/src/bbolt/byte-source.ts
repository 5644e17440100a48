import { readSync } from "node:fs";

/** Bytes that can be read anywhere. */
export interface ByteSource {
  readonly bytes: number;
  /** A buffer of its own, or a view of what stays. Only asked for what is there. */
  read(at: number, length: number): Buffer;
}

export function bytesOf(buffer: Buffer): ByteSource {
  return { bytes: buffer.length, read: (at, length) => buffer.subarray(at, at + length) };
}

/** The first `bytes` of an open file. Reads at once: for a command that does nothing else. */
export function bytesOfFile(descriptor: number, bytes: number): ByteSource {
  return {
    bytes,
    read(at, length) {
      const buffer = Buffer.allocUnsafe(length);
      for (let filled = 0; filled < length;) {
        const read = readSync(descriptor, buffer, filled, length - filled, at + filled);
        if (read === 0) throw new Error(`the file ends at byte ${at + filled}, and had ${bytes}`);
        filled += read;
      }
      return buffer;
    },
  };
}
