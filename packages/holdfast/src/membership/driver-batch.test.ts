import { describe, expect, it } from "vitest";
import { mergePackets } from "./driver-batch.ts";
import type { Message } from "./message.ts";
import type { Packet } from "./swim-effects.ts";

const packet = (port: number, ...seqs: number[]): Packet => ({
  to: { host: "a", port },
  messages: seqs.map((seq): Message => ({ type: "nack", seq })),
});

describe("mergePackets", () => {
  it("joins what goes to one address, keeps each address's order, and stays within the size", () => {
    const packets = [packet(1, 1), packet(2, 2), packet(1, 3), packet(1, 4), packet(2, 5, 6, 7), packet(1, 8)];
    const merged = mergePackets(packets, 3, () => 1);
    expect(
      merged.map(({ to, messages }) => [to.port, ...messages.map((each) => (each.type === "nack" ? each.seq : 0))]),
    ).toEqual([
      [1, 1, 3, 4],
      [2, 2],
      [2, 5, 6, 7],
      [1, 8],
    ]);
  });
});
