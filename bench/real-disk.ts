import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const tmpfsMagic = 0x01021994;

/** A directory for temporary files on a disk: syncing to memory would measure nothing. @throws Error when none is found */
export function realDisk(): string {
  const candidates = [...new Set([process.env["TMPDIR"] ?? "/var/tmp", tmpdir(), process.cwd()])];
  for (const candidate of candidates) {
    try {
      if (statfsSync(candidate).type !== tmpfsMagic) return candidate;
    } catch {
      // Not there: the next.
    }
  }
  throw new Error(`no directory for temporary files lies on a disk (tried ${candidates.join(", ")}); set TMPDIR`);
}
