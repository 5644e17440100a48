import { statSync, type BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";

const defaultIntervalMs = 1_000;

/**
 * Calls back when files have changed and have then been left alone from one look to the next, so that a certificate and
 * its key, written one after the other, are read together. Looks every second, through links as Kubernetes makes them;
 * the system's own notices would miss those, and files of the network. Does not keep the process alive.
 */
export function watchFiles(
  files: readonly string[],
  onChange: () => void,
  intervalMs: number = defaultIntervalMs,
): { close(): void } {
  let told = files.map(stateOf).join();
  let seen = told;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    const states = await Promise.allSettled(files.map((file) => stat(file, { bigint: true })));
    if (closed) return;
    const now = states
      .map((state) => (state.status === "fulfilled" ? describe(state.value) : codeOf(state.reason)))
      .join();
    if (now === seen && now !== told) {
      told = now;
      onChange();
    }
    seen = now;
    wait();
  }

  function wait(): void {
    timer = setTimeout(() => void look(), intervalMs).unref();
  }

  wait();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function describe({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs}`;
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code);

function stateOf(file: string): string {
  try {
    return describe(statSync(file, { bigint: true }));
  } catch (error) {
    return codeOf(error);
  }
}
