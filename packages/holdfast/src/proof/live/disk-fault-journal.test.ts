import { describe, expect, it } from "vitest";
import { simulate } from "../../runtime/index.ts";
import { diskFaultJournal } from "./disk-fault-journal.ts";
import type { JournalEntry } from "./fault-journal.ts";

function entry(id: string): JournalEntry {
  return { id, target: "t", kind: "k", parameters: { share: 1 }, durationMs: 5, startedAt: 1, undo: { pid: 7 } };
}

describe("a journal on disk", () => {
  it("has what began and did not end, after a power cut at any moment", async () => {
    let cutWhileOpen = 0;
    for (let seed = 1; seed <= 40; seed++) {
      await simulate({ seed }, async (world) => {
        const process = world.process("a");
        const begun = new Set<string>();
        const ending = new Set<string>();
        const asked = new Set<string>();
        process.start(async ({ disk }) => {
          const journal = await diskFaultJournal({ disk, directory: "/faults" });
          for (let number = 1; ; number++) {
            const id = `f${number}`;
            asked.add(id);
            await journal.begin(entry(id));
            begun.add(id);
            if (number < 3) continue;
            const oldest = `f${number - 2}`;
            ending.add(oldest);
            await journal.end(oldest);
            begun.delete(oldest);
          }
        });
        await world.clock.sleep(world.random.integer(1, 200));
        process.crash();
        if (begun.size > 0) cutWhileOpen++;
        const read = await new Promise<readonly JournalEntry[]>((done) => {
          process.start(async ({ disk }) => {
            const journal = await diskFaultJournal({ disk, directory: "/faults" });
            done(await journal.open());
            await journal.close();
          });
        });
        const ids = read.map(({ id }) => id);
        for (const id of begun) if (!ending.has(id)) expect(ids, `seed ${seed}`).toContain(id);
        expect(ids.filter((id) => !asked.has(id))).toEqual([]);
        for (const one of read) expect(one).toEqual(entry(one.id));
      });
    }
    expect(cutWhileOpen).toBeGreaterThan(20);
  });

  it("belongs to one process, and passes over what it cannot read", async () => {
    await simulate({ seed: 1 }, async (world) => {
      const process = world.process("a");
      const seen = new Promise<unknown[]>((done) => {
        process.start(async ({ disk }) => {
          await disk.makeDirectory("/faults");
          const file = await disk.open("/faults/faults.jsonl", { create: true });
          const lines = [
            JSON.stringify({ begin: entry("a") }),
            "noise",
            "null",
            '{"begin":{"id":1}}',
            '{"begin":{"id":',
          ];
          await file.write(0, [new TextEncoder().encode(lines.join("\n"))]);
          const journal = await diskFaultJournal({ disk, directory: "/faults" });
          const second = await diskFaultJournal({ disk, directory: "/faults" }).catch((error: unknown) => error);
          await journal.begin(entry("b"));
          const open = (await journal.open()).map(({ id }) => id);
          await journal.end("a");
          await journal.end("b");
          await journal.close();
          await journal.close();
          done([open, (second as { code?: string }).code, (await disk.list("/faults")).includes("faults.jsonl")]);
        });
      });
      expect(await seen).toEqual([["a", "b"], "ELOCKED", true]);
    });
  });

  it("does not grow while faults overlap for ever", async () => {
    await simulate({ seed: 1 }, async (world) => {
      const process = world.process("a");
      const size = new Promise<number>((done) => {
        process.start(async ({ disk }) => {
          const journal = await diskFaultJournal({ disk, directory: "/faults" });
          const large = { ...entry("x"), undo: "x".repeat(50_000) };
          await journal.begin(entry("stays"));
          let largest = 0;
          for (let number = 0; number < 100; number++) {
            await journal.begin({ ...large, id: `f${number}` });
            await journal.end(`f${number}`);
            const file = await disk.open("/faults/faults.jsonl");
            largest = Math.max(largest, await file.size());
            await file.close();
          }
          expect((await journal.open()).map(({ id }) => id)).toEqual(["stays"]);
          done(largest);
        });
      });
      const largest = await size;
      expect(largest).toBeGreaterThan(500_000);
      expect(largest).toBeLessThan(1_200_000);
    });
  });
});
