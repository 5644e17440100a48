import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { runtimeConformance } from "./index.ts";
import { nodeRuntime } from "../runtime/index.ts";

runtimeConformance({
  name: "nodeRuntime",
  describe,
  it,
  async run(test) {
    const directory = await mkdtemp(join(tmpdir(), "holdfast-runtime-"));
    const runtime = nodeRuntime({ seed: 1 });
    try {
      await test(runtime, { host: "127.0.0.1", directory, peer: runtime });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
});
