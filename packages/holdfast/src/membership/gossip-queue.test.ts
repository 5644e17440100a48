import { describe, expect, it } from "vitest";
import { GossipQueue } from "./gossip-queue.ts";
import type { Gossip, Message } from "./message.ts";

function dead(name: string, incarnation = 0): Gossip {
  return { type: "dead", name, incarnation, from: "x" };
}

function user(id: string): Gossip {
  return { type: "user", id, payload: new Uint8Array(0) };
}

function take(queue: GossipQueue, roomBytes: number, limit = 100): Message[] {
  const messages: Message[] = [];
  queue.take(messages, roomBytes, limit);
  return messages;
}

describe("the gossip queue", () => {
  it("gives what was passed on least, then what has waited longest", () => {
    const queue = new GossipQueue(10);
    for (const name of ["a", "b", "c"]) queue.add(dead(name), 10);
    expect(take(queue, 20)).toEqual([dead("a"), dead("b")]);
    expect(take(queue, 20)).toEqual([dead("c"), dead("a")]);
    queue.add(dead("d"), 10);
    expect(take(queue, 20)).toEqual([dead("d"), dead("b")]);
  });

  it("gives each as often as the limit says", () => {
    const queue = new GossipQueue(10);
    queue.add(dead("a"), 10);
    queue.add(dead("b"), 10);
    for (let time = 0; time < 3; time++) expect(take(queue, 100, 3)).toHaveLength(2);
    expect(queue.size).toBe(0);
    expect(take(queue, 100, 3)).toEqual([]);
  });

  it("gives urgent news first, however often it went", () => {
    const queue = new GossipQueue(10);
    queue.add(dead("a"), 10);
    queue.add(dead("left"), 10, true);
    expect(take(queue, 10)).toEqual([dead("left")]);
    expect(take(queue, 10)).toEqual([dead("left")]);
  });

  it("replaces what it had about the same member", () => {
    const queue = new GossipQueue(10);
    queue.add(dead("a", 1), 10);
    queue.add(dead("a", 2), 10);
    expect(queue.size).toBe(1);
    expect(take(queue, 100)).toEqual([dead("a", 2)]);
  });

  it("fills the room with what fits", () => {
    const queue = new GossipQueue(10);
    queue.add(dead("large"), 90);
    queue.add(dead("a"), 10);
    queue.add(dead("b"), 10);
    const messages: Message[] = [];
    expect(queue.take(messages, 25, 5)).toBe(20);
    expect(messages).toEqual([dead("a"), dead("b")]);
    expect(take(queue, 95)).toEqual([dead("large")]);
  });

  it("keeps a bounded number of broadcasts, without the most travelled", () => {
    const queue = new GossipQueue(2);
    queue.add(dead("a"), 10);
    queue.add(user("1"), 10);
    take(queue, 100);
    queue.add(user("2"), 10);
    queue.add(user("3"), 10);
    expect(queue.dropped).toBe(1);
    expect(take(queue, 100)).toEqual([user("2"), user("3"), dead("a")]);
  });
});
