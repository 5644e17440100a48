import { closeSync, openSync, readFileSync } from "node:fs";

/** Taken when this is loaded: before anything is patched. */
const realSetTimeout = globalThis.setTimeout;
const realNow = performance.now.bind(performance);

/** More than this are not opened: it would take too long to be undone at once. */
const maxFiles = 200_000;

export interface InnerFault {
  readonly struck: () => number;
  end(): void;
}

/** Blocks the event loop for a share of every so many milliseconds: nothing of this process runs meanwhile. */
export function blockLoop(part: number, everyMs: number): InnerFault {
  let blocks = 0;
  let timer: NodeJS.Timeout | undefined;
  const block = (): void => {
    blocks++;
    const began = realNow();
    // Busy, as real work would be.
    while (realNow() - began < part * everyMs);
    timer = realSetTimeout(block, (1 - part) * everyMs).unref();
  };
  if (part > 0) timer = realSetTimeout(block, 0).unref();
  return { struck: () => blocks, end: () => clearTimeout(timer) };
}

const chunkBytes = 64 * 1024 * 1024;

/** Holds memory, outside the heap; each page is written to, so that it is there. */
export function holdMemory(bytes: number): InnerFault {
  const held: Buffer[] = [];
  for (let left = bytes; left > 0; left -= chunkBytes) held.push(Buffer.alloc(Math.min(left, chunkBytes), 1));
  const struck = held.length > 0 ? 1 : 0;
  return { struck: () => struck, end: () => void held.splice(0) };
}

/** Opens files until only so many more may be opened. What else needs one then gets EMFILE. */
export function openFiles(leave: number): InnerFault {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1] ?? Infinity);
  if (limit > maxFiles)
    throw new Error(`it may open ${limit} files, more than ${maxFiles}: lower its limit (ulimit -n)`);
  const held: number[] = [];
  try {
    while (held.length <= limit) held.push(openSync("/dev/null", "r"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EMFILE") throw error;
  }
  for (const file of held.splice(0, leave)) closeSync(file);
  const struck = held.length > 0 ? 1 : 0;
  return {
    struck: () => struck,
    end() {
      for (const file of held.splice(0)) closeSync(file);
    },
  };
}
