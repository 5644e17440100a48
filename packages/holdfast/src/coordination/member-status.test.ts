import { expect, it } from "vitest";
import { simulate } from "../runtime/index.ts";
import { createMember } from "./member.ts";

it("a member tells while its disk is at one write for too long, and not after", () =>
  simulate({ seed: 1, disk: { slowSync: 1, slowSyncMs: 6_000 } }, async (world) => {
    const process = world.process("a");
    process.start(() => undefined);
    const peer = { host: "a", port: 2380 };
    const member = await createMember({
      runtime: process.runtime,
      name: "a",
      directory: "/data",
      peer,
      clientUrls: [],
      httpUrls: [],
      cluster: { name: "test", members: [{ name: "a", peer }] },
    });
    const until = async (isStalled: boolean): Promise<void> => {
      while ((member.status().isDiskStalled ?? false) !== isStalled) await world.clock.sleep(50);
    };
    expect(member.status()).not.toHaveProperty("isDiskStalled");
    await until(true);
    expect(member.status().isDiskStalled).toBe(true);
    await until(false);
    expect(member.status()).not.toHaveProperty("isDiskStalled");
    await member.close();
  }));
