import { describe, it } from "vitest";
import { runtimeConformance } from "./index.ts";
import type { RuntimeSuite } from "./index.ts";
import { simulate } from "../runtime/index.ts";

/** Runs a test as the code of one process; `peerHost` names the process that talks to it, which may be itself. */
function runIn(peerHost: string): RuntimeSuite["run"] {
  return async (test) => {
    await simulate({ seed: 1 }, async (world) => {
      const server = world.process("server");
      const peer = world.process(peerHost);
      if (peer !== server) peer.start(() => undefined);
      await new Promise<void>((done) => {
        server.start(async (runtime) => {
          await runtime.disk.makeDirectory("/data");
          await test(runtime, { host: "server", directory: "/data", peer: peer.runtime });
          done();
        });
      });
    });
  };
}

runtimeConformance({ name: "a simulated process by itself", describe, it, run: runIn("server") });
runtimeConformance({ name: "two simulated processes", describe, it, run: runIn("client") });
