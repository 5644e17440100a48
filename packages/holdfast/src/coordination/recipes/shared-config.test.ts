import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { createMemoryMember } from "../memory-member.ts";
import { sharedConfig, type ConfigUpdate } from "./shared-config.ts";
import { unreliable, type Mishap } from "../testing/unreliable-coordination.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (code: string) => expect.objectContaining({ code });

interface Limits {
  readonly rate: number;
}

function limits(value: unknown): Limits {
  const { rate } = value as Partial<Limits>;
  if (typeof rate !== "number") throw new TypeError("rate must be a number");
  return { rate };
}

function start(next: () => Mishap | undefined = () => undefined) {
  const clock = new VirtualClock();
  const member = createMemoryMember({ clock });
  const line = unreliable(member, (method) => (method === "txn" || method === "range" ? next() : undefined));
  return { clock, member, line, config: sharedConfig(line, "limits", { validate: limits, clock }) };
}

describe("a shared configuration", () => {
  it("is written only over what was read, where that is asked for", async () => {
    const { config } = start();
    expect(await config.get()).toEqual({ value: undefined, revision: 0 });
    expect(await config.set({ rate: 1 }, { revision: 0 })).toBe(2);
    await expect(config.set({ rate: 2 }, { revision: 0 })).rejects.toEqual(code("CONFIG_CONFLICT"));
    expect(await config.set({ rate: 2 }, { revision: 2 })).toBe(3);
    expect(await config.set({ rate: 3 })).toBe(4);
    expect(await config.get()).toEqual({ value: { rate: 3 }, revision: 4 });
  });

  it("changes step by step under many writers", async () => {
    const { clock, config } = start();
    await config.set({ rate: 0 });
    const more = (value: Limits | undefined): Limits => ({ rate: (value?.rate ?? 0) + 1 });
    const updating = Promise.all(Array.from({ length: 20 }, () => config.update(more)));
    await clock.advance(10_000);
    const revisions = (await updating).map(({ revision }) => revision);
    expect(new Set(revisions).size).toBe(20);
    expect((await config.get()).value).toEqual({ rate: 20 });
  });

  it("does not repeat a change that may have been made", async () => {
    let lost: Mishap | undefined;
    const { config, line } = start(() => lost);
    await config.set({ rate: 1 });
    const updating = config.update((value) => {
      lost = "answerLost";
      return { rate: value!.rate + 1 };
    });
    await expect(updating).rejects.toEqual(code("TIMED_OUT"));
    expect(line.mishaps).toEqual(["txn"]);
    lost = undefined;
    expect((await config.get()).value).toEqual({ rate: 2 });
  });

  it("refuses what is not valid, from whomever", async () => {
    const { member, config } = start();
    await expect(config.set({ rate: "1" } as unknown as Limits)).rejects.toThrow("rate must be a number");
    await expect(sharedConfig(member, "k").set(undefined)).rejects.toEqual(code("CONFIG_INVALID"));
    expect(member.status().revision).toBe(1);
    await member.put({ key: bytes("limits"), value: bytes("{") });
    await expect(config.get()).rejects.toEqual(code("CONFIG_INVALID"));
    await expect(config.update(() => ({ rate: 1 }))).rejects.toEqual(code("CONFIG_INVALID"));
    await expect(
      start().config.update(() => {
        throw new Error("not today");
      }),
    ).rejects.toThrow("not today");
    expect(() => sharedConfig(member, "")).toThrow("sharedConfig.key must not be empty");
    expect(() => sharedConfig(member, "k", { validate: 5 as never })).toThrow("sharedConfig.validate must be a");
  });

  it("is watched from what is there on, without a gap, and keeps the last good value", async () => {
    const { clock, member, config } = start();
    await config.set({ rate: 1 });
    const seen: ConfigUpdate<Limits>[] = [];
    const controller = new AbortController();
    const watching = (async () => {
      for await (const entry of config.watch({ signal: controller.signal })) seen.push(entry);
    })();
    const stopped = expect(watching).rejects.toThrow("enough");
    await clock.advance(0);
    for (let rate = 2; rate <= 4; rate++) await config.set({ rate });
    await member.put({ key: bytes("limits"), value: bytes("[]") });
    await config.set({ rate: 6 });
    await member.deleteRange({ key: bytes("limits") });
    await config.set({ rate: 8 });
    await clock.advance(0);
    expect(seen).toEqual([
      ...[1, 2, 3, 4].map((rate) => ({ value: { rate }, revision: rate + 1 })),
      { value: { rate: 4 }, revision: 5, problem: code("CONFIG_INVALID") },
      { value: { rate: 6 }, revision: 7 },
      { value: undefined, revision: 0 },
      { value: { rate: 8 }, revision: 9 },
    ]);
    controller.abort(new Error("enough"));
    await stopped;
  });

  it("is read anew when what its watcher missed was compacted", async () => {
    const { member, config } = start();
    await config.set({ rate: 1 });
    const watched = config.watch();
    expect((await watched.next()).value).toMatchObject({ value: { rate: 1 } });
    await config.set({ rate: 2 });
    await config.set({ rate: 3 });
    await member.compact({ revision: 4 });
    const next = (await watched.next()).value;
    expect(next).toEqual({ value: { rate: 3 }, revision: 4 });
    await watched.return();
  });
});
