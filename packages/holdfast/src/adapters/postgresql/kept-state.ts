import { createHash } from "node:crypto";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { StepContext } from "../../recovery/index.ts";

/**
 * What a step's databases and files are named by: the same for all its tries and for its rollback, whose idempotency keys
 * differ.
 */
export function stepMark({ executionId, stepId }: Pick<StepContext, "executionId" | "stepId">): string {
  return createHash("sha256").update(`${executionId}/${stepId}`).digest("hex").slice(0, 12);
}

/** Makes a draft durable under its name: a file that has it is whole. */
export async function publish(draft: string, path: string): Promise<void> {
  await syncPath(draft);
  await rename(draft, path);
  await syncPath(dirname(path));
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
