import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import type { FaultParameters } from "./live-fault.ts";
import { checkNetworkFault, networkFault, type NetworkFaultKind } from "./network-fault.ts";
import { StreamShaper } from "./stream-shaper.ts";
import { StruckConnection, type ProxyFault } from "./struck-connection.ts";

type Given = Partial<Record<NetworkFaultKind, FaultParameters>>;

/** A direction whose other end writes down what comes, and when. */
class Line {
  readonly clock: VirtualClock = new VirtualClock();
  readonly log: [at: number, what: string][] = [];
  readonly strikes: Record<string, number> = {};
  readonly shaper: StreamShaper;
  readonly #connection: StruckConnection = new StruckConnection(seededRandom(1));
  canWrite: boolean = true;
  #sets = 0;

  constructor(maxHeldBytes: number = 1_000_000) {
    const note = (what: string): void => void this.log.push([Math.round(this.clock.now()), what]);
    const sink = {
      write: (bytes: Uint8Array) => {
        note(Buffer.from(bytes).toString("latin1"));
        return this.canWrite;
      },
      end: () => note("<end>"),
      resume: () => note("<resume>"),
      close: () => note("<close>"),
      reset: () => note("<reset>"),
    };
    this.shaper = new StreamShaper({ clock: this.clock, random: seededRandom(2), sink, maxHeldBytes });
  }

  set(given: Given): void {
    this.#sets++;
    const faults = Object.entries(given).map(([kind, parameters]): ProxyFault => {
      const known = kind as NetworkFaultKind;
      const fault = networkFault(`${kind}-${this.#sets}`, known, checkNetworkFault(known, parameters));
      return { fault, strike: () => (this.strikes[kind] = (this.strikes[kind] ?? 0) + 1) };
    });
    this.shaper.setFaults(this.#connection.inDirection(this.#connection.meet(faults), "up"));
  }

  push(text: string): boolean {
    return this.shaper.push(Buffer.from(text, "latin1"));
  }

  get text(): string {
    return this.log.map(([, what]) => what).join("");
  }
}

describe("a direction of a stream", () => {
  it("without faults passes everything at once, and back-pressure too", () => {
    const line = new Line();
    expect(line.push("a")).toBe(true);
    line.canWrite = false;
    expect(line.push("b")).toBe(false);
    expect(line.push("c")).toBe(false);
    line.canWrite = true;
    line.shaper.drained();
    line.shaper.end();
    expect(line.log.map(([, what]) => what)).toEqual(["a", "b", "c", "<resume>", "<end>"]);
    expect(line.clock.pending).toBe(0);
  });

  it("delay: everything comes later, in order, the end too", async () => {
    const line = new Line();
    line.set({ delay: { delayMs: 100 } });
    line.push("a");
    await line.clock.advance(40);
    line.push("b");
    line.shaper.end();
    await line.clock.advance(500);
    expect(line.log).toEqual([
      [100, "a"],
      [140, "b"],
      [140, "<end>"],
    ]);
    expect(line.strikes).toEqual({ delay: 2 });
  });

  it("delay with jitter keeps the order, and has the mean it says", async () => {
    const line = new Line();
    line.set({ delay: { delayMs: 50, jitterMs: 30 } });
    const digits = Array.from({ length: 400 }, (_, at) => String(at % 10));
    let sum = 0;
    for (const digit of digits) {
      const before = line.clock.now();
      const count = line.log.length;
      line.push(digit);
      await line.clock.advance(1_000);
      sum += line.log[count]![0] - before;
    }
    expect(line.text).toBe(digits.join(""));
    expect(sum / 400).toBeGreaterThan(75);
    expect(sum / 400).toBeLessThan(85);
    line.log.length = 0;
    for (const digit of digits) line.push(digit);
    await line.clock.advance(5_000);
    expect(line.text).toBe(digits.join(""));
  });

  it("bandwidth: so many bytes in a second", async () => {
    const line = new Line();
    line.set({ bandwidth: { bytesPerSecond: 1_000 } });
    line.push("x".repeat(3_000));
    await line.clock.advance(1_000);
    expect(line.text.length).toBe(1_000);
    await line.clock.advance(3_000);
    expect(line.text.length).toBe(3_000);
    expect(line.log.at(-1)?.[0]).toBe(3_000);
  });

  it("loss: bytes are sent again after 200 ms, 400 ms, …", async () => {
    const line = new Line();
    line.set({ loss: { share: 0.5 } });
    const waits: number[] = [];
    for (let at = 0; at < 200; at++) {
      const before = line.clock.now();
      line.push("x");
      await line.clock.advance(100_000);
      waits.push(line.log.at(-1)![0] - before);
    }
    expect([...new Set(waits)].sort((one, other) => one - other).slice(0, 4)).toEqual([0, 200, 600, 1_400]);
    expect(waits.filter((wait) => wait === 0).length).toBeGreaterThan(75);
    expect(line.strikes["loss"]).toBe(waits.filter((wait) => wait > 0).length);
  });

  it.each(["clog", "partition"] as const)("%s: nothing passes, and then all of it does", async (kind) => {
    const line = new Line();
    line.set({ [kind]: {} });
    line.push("a");
    line.push("b");
    line.shaper.end();
    await line.clock.advance(60_000);
    expect(line.log).toEqual([]);
    expect(line.strikes).toEqual({ [kind]: 3 });
    line.set({});
    expect(line.text).toBe("ab<end>");
  });

  it("slicer: pieces of about a size, with pauses", async () => {
    const line = new Line();
    line.set({ slicer: { averageBytes: 10, variationBytes: 3, pauseMs: 5 } });
    const text = Array.from({ length: 100 }, (_, at) => String(at % 10)).join("");
    line.push(text);
    await line.clock.advance(1_000);
    expect(line.text).toBe(text);
    const sizes = line.log.map(([, what]) => what.length);
    expect(sizes.slice(0, -1).every((size) => size >= 7 && size <= 13)).toBe(true);
    expect(new Set(sizes).size).toBeGreaterThan(2);
    expect(line.log[1]![0] - line.log[0]![0]).toBe(5);
  });

  it("limitData: closes after so many bytes", () => {
    const line = new Line();
    line.set({ limitData: { bytes: 5 } });
    line.push("abc");
    line.push("defg");
    line.push("h");
    expect(line.text).toBe("abcde<close>");
    expect(line.strikes).toEqual({ limitData: 1 });
  });

  it("blackHole: swallows, closes after its time, and resets at its end where bytes are missing", async () => {
    const line = new Line();
    line.set({ blackHole: {} });
    line.push("a");
    await line.clock.advance(10_000);
    expect(line.log).toEqual([]);
    line.set({});
    expect(line.text).toBe("<reset>");

    const closing = new Line();
    closing.set({ blackHole: { closeAfterMs: 300 } });
    await closing.clock.advance(1_000);
    expect(closing.log).toEqual([[300, "<close>"]]);

    const idle = new Line();
    idle.set({ blackHole: { closeAfterMs: 300 } });
    idle.set({});
    await idle.clock.advance(1_000);
    idle.push("still whole");
    expect(idle.text).toBe("still whole");
  });

  it("halfClose: ends the direction, and drops what comes after", () => {
    const line = new Line();
    line.push("a");
    line.set({ halfClose: {} });
    line.push("b");
    line.set({});
    line.push("c");
    expect(line.text).toBe("a<end>");
  });

  it("slowClose: only the end is late", async () => {
    const line = new Line();
    line.set({ slowClose: { delayMs: 250 } });
    line.push("a");
    line.shaper.end();
    await line.clock.advance(1_000);
    expect(line.log).toEqual([
      [0, "a"],
      [250, "<end>"],
    ]);
  });

  it("corrupt: turns one bit of the pieces it strikes, in a copy", () => {
    const line = new Line();
    line.set({ corrupt: { share: 1 } });
    const bytes = Buffer.from("aaaa");
    line.shaper.push(bytes);
    expect(bytes.toString()).toBe("aaaa");
    const turned = Buffer.from(line.text, "latin1").map((byte) => byte ^ 0x61);
    expect([...turned].reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0)).toBe(1);
  });

  it("faults add up", async () => {
    const line = new Line();
    line.set({ delay: { delayMs: 100 }, bandwidth: { bytesPerSecond: 1_000 } });
    line.push("x".repeat(100));
    await line.clock.advance(1_000);
    expect(line.log.map(([at]) => at)).toEqual([150, 200]);
  });
});

describe("when faults change", () => {
  it("what is held goes as if it had only met the new ones", async () => {
    const line = new Line();
    line.set({ delay: { delayMs: 60_000 } });
    line.push("a");
    await line.clock.advance(30);
    line.set({ delay: { delayMs: 100 } });
    await line.clock.advance(69);
    expect(line.log).toEqual([]);
    await line.clock.advance(1);
    expect(line.log).toEqual([[100, "a"]]);
    line.set({ bandwidth: { bytesPerSecond: 1 } });
    line.push("x".repeat(1_000));
    line.set({});
    expect(line.text.length).toBe(1_001);
    expect(line.clock.pending).toBe(0);
  });

  it("a rate that comes later holds for what is held, from now on", async () => {
    const line = new Line();
    line.set({ clog: {} });
    line.push("x".repeat(1_000));
    await line.clock.advance(5_000);
    line.set({ bandwidth: { bytesPerSecond: 1_000 } });
    await line.clock.advance(500);
    expect(line.text.length).toBe(500);
  });
});

it("holds no more than its bound, and the sender waits", async () => {
  const line = new Line(100);
  line.set({ clog: {} });
  expect(line.push("x".repeat(60))).toBe(true);
  expect(line.push("x".repeat(60))).toBe(false);
  expect(line.shaper.heldBytes).toBe(120);
  line.set({});
  expect(line.log.at(-1)?.[1]).toBe("<resume>");
  expect(line.push("y")).toBe(true);
  line.set({ delay: { delayMs: 10 } });
  expect(line.push("x".repeat(101))).toBe(false);
  line.shaper.close();
  await line.clock.advance(100);
  expect([line.shaper.heldBytes, line.clock.pending]).toEqual([0, 0]);
});

it("toxicity: strikes a share of the connections, each for good", () => {
  const random = seededRandom(3);
  const fault = networkFault("d", "delay", checkNetworkFault("delay", { delayMs: 1, toxicity: 0.3 }));
  const one: ProxyFault = { fault, strike: () => undefined };
  const connections = Array.from({ length: 1_000 }, () => new StruckConnection(random));
  const struck = connections.map((connection) => connection.meet([one]).length);
  expect(struck.filter((count) => count === 1).length).toBeGreaterThan(250);
  expect(struck.filter((count) => count === 1).length).toBeLessThan(350);
  expect(connections.map((connection) => connection.meet([one]).length)).toEqual(struck);
});

describe("parameters", () => {
  it.each<[NetworkFaultKind, FaultParameters, string]>([
    ["delay", {}, "parameters.delayMs must be a number >= 0 and <= 3600000 (got undefined)"],
    [
      "delay",
      { delayMs: 1, jitter: 2 },
      "parameters.jitter is no option; there are delayMs, jitterMs, direction, toxicity (got 2)",
    ],
    ["loss", { share: 7 }, "parameters.share must be a number >= 0 and <= 1 (got 7)"],
    ["clog", { direction: "left" }, 'parameters.direction must be "up" or "down" or "both" (got "left")'],
    [
      "slicer",
      { averageBytes: 5, variationBytes: 5 },
      "parameters.variationBytes must be less than averageBytes 5 (got 5)",
    ],
    ["down", { toxicity: 1 }, "parameters.toxicity is no option; there are  (got 1)"],
  ])("of %s: %o is refused", (kind, parameters, message) => {
    expect(() => checkNetworkFault(kind, parameters)).toThrow(message);
  });
});
