import { open } from "node:fs/promises";
import { basename } from "node:path";
import { getHeapStatistics } from "node:v8";
import { readHistory, type HistoryFile, type ReadHistoryOptions } from "holdfast/proof";

const pieceBytes = 1024 * 1024;

/** Three quarters of what the process may have: the estimate is of all that a check needs, and errs upwards. */
export function defaultMaxMemoryMib(): number {
  return Math.floor((getHeapStatistics().heap_size_limit * 0.75) / 1024 ** 2);
}

/** Reads a history without ever holding the file. @throws HistoryError, and the system's error when it cannot be read */
export async function readHistoryFile(path: string, options: ReadHistoryOptions): Promise<HistoryFile> {
  const file = await open(path);
  try {
    return await readHistory(file.createReadStream({ highWaterMark: pieceBytes }), {
      name: basename(path),
      ...options,
    });
  } finally {
    await file.close();
  }
}
