import { spawn } from "node:child_process";
import { statfsSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

const chunk = Buffer.alloc(1024 * 1024, "a filler of holdfast; ");

/** How much must be written to the file system of a directory until only so much is free. */
export function spaceNeeded(directory: string, freeBytes: number): number {
  const { bavail, bfree, bsize } = statfsSync(directory);
  // What is kept for the superuser is there for the superuser.
  return Math.max(0, (process.getuid?.() === 0 ? bfree : bavail) * bsize - freeBytes);
}

/** Fills a file system up through one file, at most so many bytes. */
export async function fillUp(path: string, freeBytes: number, maxBytes: number): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    const directory = dirname(path);
    // At once where the file system can; what it does not take is written.
    const whole = spaceNeeded(directory, freeBytes);
    if (whole > chunk.length) await reserve(file, whole - chunk.length);
    let { size } = await file.stat();
    for (;;) {
      const bytes = Math.min(spaceNeeded(directory, freeBytes), chunk.length, maxBytes - size);
      if (bytes <= 0 || (await append(file, bytes, size)) === 0) return;
      await file.datasync().catch(() => undefined);
      size = (await file.stat()).size;
    }
  } finally {
    await file.close();
  }
}

/** How many bytes there was room for. */
async function append(file: FileHandle, bytes: number, at: number): Promise<number> {
  try {
    return (await file.write(chunk, 0, bytes, at)).bytesWritten;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT") return 0;
    throw error;
  }
}

/** Reserves space without writing it. Where there is no such program, or no such call, nothing happens. */
function reserve(file: FileHandle, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn("fallocate", ["--length", String(bytes), "/proc/self/fd/3"], {
      stdio: ["ignore", "ignore", "ignore", file.fd],
    });
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
}
