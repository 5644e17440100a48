import { getEventListeners } from "node:events";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { bufferBody, isOneTimeBody } from "./one-time-body.ts";

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString();
}

function* counting(): Generator<string> {
  yield "a";
}

describe("isOneTimeBody", () => {
  it.each<[string, unknown, boolean]>([
    ["nothing", undefined, false],
    ["null", null, false],
    ["text", "text", false],
    ["a buffer", Buffer.from("a"), false],
    ["an array buffer", new ArrayBuffer(1), false],
    ["a view", new DataView(new ArrayBuffer(1)), false],
    ["a blob", new Blob(["a"]), false],
    ["a form", new FormData(), false],
    ["parameters", new URLSearchParams("a=1"), false],
    ["a function", () => "a", false],
    ["a stream of Node's", Readable.from(["a"]), true],
    ["a stream of the web's", new Blob(["a"]).stream(), true],
    ["a generator", counting(), true],
  ])("%s: %j", (_, body, expected) => {
    expect(isOneTimeBody(body)).toBe(expected);
  });
});

describe("bufferBody", () => {
  it.each<[string, () => Parameters<typeof bufferBody>[0]]>([
    ["a stream of Node's", () => Readable.from(["ab", "cd"])],
    ["a stream of the web's", () => new Blob(["ab", "cd"]).stream()],
    ["an iterable", () => ["ab", "cd"]],
  ])("%s that fits comes whole; one that does not, as a stream of the same bytes", async (_, body) => {
    const fits = await bufferBody(body(), 4, undefined);
    expect(fits.whole && Buffer.from(fits.bytes).toString()).toBe("abcd");
    const over = await bufferBody(body(), 3, undefined);
    expect(over.whole).toBe(false);
    if (!over.whole) expect(await textOf(over.rest)).toBe("abcd");
  });

  it("reads no more than one chunk beyond the bound", async () => {
    let read = 0;
    async function* endless(): AsyncGenerator<string> {
      for (;;) yield `${read++ % 10}`;
    }
    await bufferBody(endless(), 5, undefined);
    expect(read).toBe(6);
  });

  it("ends with the signal's reason, and leaves nothing on it", async () => {
    const giveUp = new AbortController();
    const reason = new Error("enough");
    const stuck = bufferBody(new ReadableStream(), 10, giveUp.signal);
    giveUp.abort(reason);
    await expect(stuck).rejects.toBe(reason);
    await expect(bufferBody(["a"], 10, giveUp.signal)).rejects.toBe(reason);
    const { signal } = new AbortController();
    await bufferBody(["a", "b"], 10, signal);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("fails as the body fails", async () => {
    async function* broken(): AsyncGenerator<string> {
      yield "a";
      throw new Error("broken");
    }
    await expect(bufferBody(broken(), 10, undefined)).rejects.toThrow("broken");
  });
});
