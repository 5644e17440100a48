import { arch, cpus, loadavg, release, totalmem, type } from "node:os";

/** Where a figure was measured. */
export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  /** The load average of the last minute, before the run. */
  readonly loadBefore: number;
  readonly startedAt: string;
}

export function readEnvironment(): Environment {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${type()} ${release()} ${arch()}`,
    node: process.versions.node,
    loadBefore: loadavg()[0] ?? 0,
    startedAt: new Date().toISOString(),
  };
}
