import { describe, expect, it } from "vitest";
import { formatAddress, parseAddress } from "./peer-address.ts";
import { PeerBook } from "./peer-book.ts";

describe("a peer's address", () => {
  it.each([
    ["a:1", { host: "a", port: 1 }],
    ["10.0.0.1:65535", { host: "10.0.0.1", port: 65535 }],
    ["[::1]:2380", { host: "::1", port: 2380 }],
  ])("is read and written: %s", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(formatAddress(address)).toBe(text);
  });

  it.each(["", "a", "a:", ":1", "a:b", "a:65536", "::1:2380", "[::1]", "http://a:1", "a:1/"])("is not %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe("what is known of where peers are", () => {
  const given = new Map([[1, { host: "given", port: 1 }]]);

  it("is tried in turn: the peer's own word, the configuration's, what the node was started with", () => {
    const book = new PeerBook(given);
    book.configure(new Map([[1, "configured:1"]]));
    book.tell(1, { host: "told", port: 1 });
    const hosts = [0, 1, 2, 3].map((attempt) => book.address(1, attempt)!.host);
    expect(hosts).toEqual(["told", "configured", "given", "told"]);
    book.forget(1);
    expect(book.address(1, 0)!.host).toBe("configured");
  });

  it("leaves out what is no address, what cannot be dialled, and what it has already", () => {
    const book = new PeerBook(given);
    book.configure(
      new Map([
        [1, "given:1"],
        [2, "who knows"],
      ]),
    );
    book.tell(1, { host: "0.0.0.0", port: 1 });
    book.tell(1, { host: "told", port: 0 });
    expect([0, 1].map((attempt) => book.address(1, attempt))).toEqual([given.get(1), given.get(1)]);
    expect(book.address(2, 0)).toBeUndefined();
    expect(book.address(3, 0)).toBeUndefined();
  });
});
