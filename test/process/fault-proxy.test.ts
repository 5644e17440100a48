import { createSocket } from "node:dgram";
import { afterEach, describe, expect, it } from "vitest";
import { occupy } from "./free-ports.ts";
import { until } from "./holdfast-command.ts";
import { dial, tcpRig, udpRig, type Connection, type Rig, type UdpRig } from "./fault-proxy-rig.ts";

const rigs: Rig[] = [];

async function tcp(...given: Parameters<typeof tcpRig>): Promise<Rig> {
  const made = await tcpRig(...given);
  rigs.push(made);
  return made;
}

async function udp(...given: Parameters<typeof udpRig>): Promise<UdpRig> {
  const made = await udpRig(...given);
  rigs.push(made);
  return made;
}

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

const port = ({ proxy }: Rig): number => proxy.address.port;

/** Takes the fault back and gives how often it struck. */
async function lift({ faults }: Rig, id: string): Promise<number> {
  const { struck, state } = await faults.remove(id);
  expect([state, faults.faults]).toEqual(["removed", []]);
  return struck ?? 0;
}

/** The fastest of some round trips: what the way itself takes, on a machine that is busy too. */
async function fastest(client: Connection): Promise<number> {
  const times: number[] = [];
  while (times.length < 5) times.push(await client.roundTrip());
  return Math.min(...times);
}

describe("a TCP proxy", () => {
  it("leaves nothing when it is closed in the middle of everything", async () => {
    // First of all: there are no sockets of other tests on their way out.
    const handles = (): string[] =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => /^(TCP|UDP|Pipe)/.test(kind))
        .sort();
    const before = handles();
    const rig = await tcpRig();
    const clients = await Promise.all([dial(port(rig)), dial(port(rig)), dial(port(rig))]);
    await rig.inject("clog", { direction: "down" });
    await rig.inject("reset", { afterMs: 60_000 });
    for (const { socket } of clients) socket.write(Buffer.alloc(100_000));
    await until("it arrives", 2_000, () => rig.received.some(({ bytes }) => bytes === 100_000));
    await rig.proxy.close();
    await Promise.all(clients.map(({ closed }) => closed));
    expect(clients.map(({ error }) => error)).toEqual(["ECONNRESET", "ECONNRESET", "ECONNRESET"]);
    await rig.close();
    await until("all sockets are gone", 2_000, () => handles().length <= before.length);
    await expect(dial(port(rig))).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("passes on megabytes both ways, ends of one direction, and refusals", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    const sent = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef~");
    client.socket.end(sent);
    await client.until("everything back", () => client.hasEnded);
    expect(Buffer.from(client.text, "latin1").equals(sent)).toBe(true);
    await client.closed;
    expect(client.error).toBeUndefined();
    await until("the connection is forgotten", 1_000, () => rig.proxy.metrics.open === 0);
    expect(rig.proxy.metrics).toMatchObject({ accepted: 1, bytesUp: sent.length, bytesDown: sent.length });

    const nowhere = await tcp(undefined, { upstream: { host: "127.0.0.1", port: 1 } });
    const lost = await dial(port(nowhere));
    await lost.closed;
    expect([lost.error, nowhere.proxy.metrics.upstreamFailed]).toEqual(["ECONNRESET", 1]);
  });

  it("lets the sender wait when nobody reads, and holds little", async () => {
    const rig = await tcp(({ socket }) => void socket.pause());
    const client = await dial(port(rig));
    client.socket.write(Buffer.alloc(64 * 1024 * 1024));
    for (let before = -1; before !== rig.proxy.metrics.bytesUp || before <= 0;) {
      before = rig.proxy.metrics.bytesUp;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // What the kernels and one write of the proxy hold; the rest is still with the client.
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect(rig.proxy.metrics.bytesUp).toBeLessThan(20 * 1024 * 1024);
  });

  it("delay: 80 ms more in each direction, then none", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    await client.roundTrip();
    const fault = await rig.inject("delay", { delayMs: 80 });
    const slow = [await client.roundTrip(), await client.roundTrip()];
    expect(Math.min(...slow)).toBeGreaterThanOrEqual(158);
    expect(Math.min(...slow)).toBeLessThan(500);
    expect(await lift(rig, fault.id)).toBe(4);
    expect(await fastest(client)).toBeLessThan(80);
  });

  it("delay of one direction with jitter keeps bytes in order", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    const fault = await rig.inject("delay", { delayMs: 5, jitterMs: 20, direction: "down" });
    const text = Array.from({ length: 200 }, (_, at) => `${at},`);
    for (const piece of text) {
      client.socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until("all of it", () => client.text.length === text.join("").length);
    expect(client.text).toBe(text.join(""));
    expect(await lift(rig, fault.id)).toBeGreaterThan(0);
  });

  it("bandwidth: 100 kB/s, and back to what it was", async () => {
    const rig = await tcp(({ socket }) => void socket.resume());
    const client = await dial(port(rig));
    const fault = await rig.inject("bandwidth", { bytesPerSecond: 100_000, direction: "up" });
    const startedAt = performance.now();
    client.socket.write(Buffer.alloc(60_000));
    const arrived = (): number => rig.received[0]?.bytes ?? 0;
    await until("60 kB", 3_000, () => arrived() === 60_000);
    const rate = 60_000 / ((performance.now() - startedAt) / 1_000);
    expect(rate).toBeGreaterThan(30_000);
    expect(rate).toBeLessThan(105_000);
    expect(await lift(rig, fault.id)).toBeGreaterThan(0);
    const again = performance.now();
    client.socket.write(Buffer.alloc(2_000_000));
    await until("2 MB", 3_000, () => arrived() === 2_060_000);
    // At that rate, 20 s.
    expect(performance.now() - again).toBeLessThan(3_000);
  });

  it("loss: some answers take a retransmission longer", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    const fault = await rig.inject("loss", { share: 0.3, direction: "down" });
    let last = 0;
    for (let at = 0; at < 60 && rig.faults.faults[0]?.struck === 0; at++) last = await client.roundTrip();
    expect(last).toBeGreaterThan(198);
    expect(await lift(rig, fault.id)).toBe(1);
    // Of 30 answers, 10 would be late.
    const times: number[] = [];
    while (times.length < 30) times.push(await client.roundTrip());
    expect(times.filter((ms) => ms >= 198).length).toBeLessThan(3);
  });

  it.each([["clog", {}] as const, ["partition", {}] as const])(
    "%s: silence, and then everything",
    async (kind, how) => {
      const rig = await tcp();
      const client = await dial(port(rig));
      await client.roundTrip();
      const fault = await rig.inject(kind, how);
      client.socket.write("held");
      const late = await dial(port(rig));
      late.socket.write("too");
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect([client.text, late.text]).toEqual(["ping", ""]);
      expect(rig.received.map(({ text }) => text)).toEqual(["ping", ""]);
      expect(await lift(rig, fault.id)).toBeGreaterThanOrEqual(2);
      await client.until("what was held", () => client.text === "pingheld");
      await late.until("what was held", () => late.text === "too");
    },
  );

  it("partition oneWay: the upstream hears and is not heard", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    const fault = await rig.inject("partition", { shape: "oneWay" });
    client.socket.write("heard");
    await client.until("it arrives", () => rig.received[0]?.text === "heard");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(client.text).toBe("");
    expect(await lift(rig, fault.id)).toBe(1);
    await client.until("the answer", () => client.text === "heard");
  });

  it("blackHole: swallowed for good; who lost bytes is reset at the end, who did not goes on", async () => {
    const rig = await tcp();
    const [talker, silent] = [await dial(port(rig)), await dial(port(rig))];
    const fault = await rig.inject("blackHole");
    talker.socket.write("gone");
    await until("it is swallowed", 1_000, () => (rig.faults.faults[0]?.struck ?? 0) > 0);
    expect([talker.text, rig.received[0]?.text]).toEqual(["", ""]);
    expect(await lift(rig, fault.id)).toBe(1);
    await talker.closed;
    expect(talker.error).toBe("ECONNRESET");
    expect(await fastest(silent)).toBeLessThan(100);
  });

  it("blackHole with closeAfterMs: the connection closes", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    const startedAt = performance.now();
    const fault = await rig.inject("blackHole", { closeAfterMs: 100 });
    await client.until("the end", () => client.hasEnded);
    expect(performance.now() - startedAt).toBeGreaterThan(98);
    expect(await lift(rig, fault.id)).toBeGreaterThanOrEqual(1);
    expect(await fastest(await dial(port(rig)))).toBeLessThan(100);
  });

  it("reset: RST on both sides, new connections too", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    await client.roundTrip();
    const fault = await rig.inject("reset");
    await Promise.all([client.closed, rig.received[0]?.closed]);
    expect([client.error, rig.received[0]?.error]).toEqual(["ECONNRESET", "ECONNRESET"]);
    const next = await dial(port(rig)).catch((error: NodeJS.ErrnoException) => error);
    const code = "closed" in next ? (await next.closed, next.error) : next.code;
    expect(code).toBe("ECONNRESET");
    expect(await lift(rig, fault.id)).toBe(2);
    expect(await fastest(await dial(port(rig)))).toBeLessThan(100);
  });

  it("halfClose: one direction ends, the other goes on", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    await client.roundTrip();
    const fault = await rig.inject("halfClose", { direction: "down" });
    await client.until("the end", () => client.hasEnded);
    client.socket.write("still");
    await client.until("it arrives", () => rig.received[0]?.text === "pingstill");
    expect([client.text, client.error]).toEqual(["ping", undefined]);
    expect(await lift(rig, fault.id)).toBe(1);
    expect(await fastest(await dial(port(rig)))).toBeLessThan(100);
  });

  it("slicer: small pieces; limitData: an end after so many bytes; slowClose: a late end", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    const slicer = await rig.inject("slicer", { averageBytes: 10, pauseMs: 20, direction: "down" });
    await client.roundTrip("x".repeat(200));
    // Where this process is held up, the machine puts some together.
    expect(client.pieces.length).toBeGreaterThan(5);
    expect(Math.max(...client.pieces.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(120);
    expect(await lift(rig, slicer.id)).toBe(19);

    const limit = await rig.inject("limitData", { bytes: 5, direction: "down" });
    client.socket.write("123456789");
    await client.until("the end", () => client.hasEnded);
    expect(client.text.slice(200)).toBe("12345");
    expect(await lift(rig, limit.id)).toBe(1);

    const slow = await rig.inject("slowClose", { delayMs: 120, direction: "down" });
    const other = await dial(port(rig));
    const startedAt = performance.now();
    other.socket.end("bye");
    await other.until("the text", () => other.text === "bye");
    expect(other.hasEnded).toBe(false);
    await other.until("the end", () => other.hasEnded);
    expect(performance.now() - startedAt).toBeGreaterThan(115);
    expect(await lift(rig, slow.id)).toBe(1);
  });

  it("corrupt: refused unless it is allowed by name; then bits turn", async () => {
    const plain = await tcp();
    await expect(plain.inject("corrupt", { share: 1 })).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    const rig = await tcp(undefined, { allow: ["corrupt"] });
    await expect(rig.inject("delay", { delayMs: 1 })).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    const client = await dial(port(rig));
    const fault = await rig.inject("corrupt", { share: 1, direction: "up" });
    await client.roundTrip("aaaa");
    expect(client.text).not.toBe("aaaa");
    expect(await lift(rig, fault.id)).toBeGreaterThan(0);
    await client.roundTrip("bbbb");
    expect(client.text.slice(4)).toBe("bbbb");
  });

  it("down: refused, and back on the same port by itself", async () => {
    const rig = await tcp();
    const client = await dial(port(rig));
    await client.roundTrip();
    const { id } = await rig.inject("down", {}, 200);
    await client.closed;
    expect(client.error).toBe("ECONNRESET");
    await expect(dial(port(rig))).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const last = await rig.faults.whenRemoved(id);
    expect(last).toMatchObject({ reason: "expired", state: "removed" });
    expect(last.struck).toBeGreaterThanOrEqual(2);
    expect(await fastest(await dial(port(rig)))).toBeLessThan(100);
  });

  it("down whose port was taken meanwhile is stuck, and back when it is free", async () => {
    const rig = await tcp();
    const { id } = await rig.inject("down");
    const other = await occupy(port(rig));
    await expect(rig.faults.remove(id)).rejects.toMatchObject({ code: "FAULT_STUCK", message: /EADDRINUSE/ });
    expect(rig.faults.faults).toMatchObject([{ id, state: "stuck" }]);
    const gone = rig.faults.whenRemoved(id);
    await other.close();
    expect((await gone).state).toBe("removed");
    expect(await fastest(await dial(port(rig)))).toBeLessThan(100);
  });

  it("toxicity: some connections are struck, others are not; healing ends all", async () => {
    const rig = await tcp();
    await rig.inject("clog", { toxicity: 0.5 });
    await rig.inject("delay", { delayMs: 10_000, toxicity: 0.2 });
    const clients = await Promise.all(Array.from({ length: 30 }, () => dial(port(rig))));
    for (const { socket } of clients) socket.write("x");
    await until("some are answered", 2_000, () => clients.filter(({ text }) => text === "x").length >= 3);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(clients.filter(({ text }) => text === "").length).toBeGreaterThan(5);
    const { removed, stuck } = await rig.faults.healAll();
    expect([removed.length, stuck]).toEqual([2, []]);
    for (const client of clients) await client.until("an answer", () => client.text === "x");
  });
});

describe("a UDP proxy", () => {
  async function answered(rig: UdpRig, count: number): Promise<void> {
    await until(`${count} answers`, 3_000, () => rig.answers.length >= count);
  }

  it("passes datagrams on, and answers to whom they belong", async () => {
    const rig = await udp();
    rig.send("a");
    rig.send("b");
    await answered(rig, 2);
    expect(rig.answers.map(({ text }) => text).sort()).toEqual(["a", "b"]);
    expect(rig.proxy.metrics).toMatchObject({ open: 1, accepted: 1, bytesUp: 2, bytesDown: 2 });
  });

  it("forgets the client of longest ago when there are too many, and all that are silent", async () => {
    const rig = await udp({ maxConnections: 2 });
    const { port: to } = rig.proxy.address;
    const others = [createSocket("udp4"), createSocket("udp4")];
    try {
      rig.send("a");
      await answered(rig, 1);
      for (const socket of others) socket.send("b", to, "127.0.0.1");
      await until("three were there", 1_000, () => rig.proxy.metrics.accepted === 3);
      expect(rig.proxy.metrics.open).toBe(2);
      rig.send("c");
      await answered(rig, 2);
      expect(rig.proxy.metrics).toMatchObject({ open: 2, accepted: 4 });
    } finally {
      for (const socket of others) socket.close();
    }
    const silent = await udp({ idleMs: 100 });
    silent.send("a");
    await answered(silent, 1);
    await until("it is forgotten", 2_000, () => silent.proxy.metrics.open === 0);
    silent.send("b");
    await answered(silent, 2);
  });

  it("delay, then none", async () => {
    const rig = await udp();
    const fault = await rig.inject("delay", { delayMs: 60 });
    const startedAt = performance.now();
    rig.send("a");
    await answered(rig, 1);
    expect(rig.answers[0]!.atMs - startedAt).toBeGreaterThanOrEqual(118);
    expect(await lift(rig, fault.id)).toBe(2);
    const times: number[] = [];
    for (let at = 2; at < 7; at++) {
      const again = performance.now();
      rig.send("b");
      await answered(rig, at);
      times.push(rig.answers[at - 1]!.atMs - again);
    }
    expect(Math.min(...times)).toBeLessThan(60);
  });

  it.each([
    ["loss", { share: 0.5, direction: "up" }, (count: number) => count > 60 && count < 140],
    ["duplication", { share: 0.5, direction: "up" }, (count: number) => count > 260 && count < 340],
    ["blackHole", {}, (count: number) => count === 0],
    ["partition", {}, (count: number) => count === 0],
  ] as const)("%s: as many arrive as should, and then all", async (kind, parameters, isRight) => {
    const rig = await udp();
    const fault = await rig.inject(kind, parameters);
    for (let at = 0; at < 200; at++) {
      rig.send(`${at}`);
      if (at % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const settled = async (): Promise<number> => {
      for (let before = -1; before !== rig.answers.length;) {
        before = rig.answers.length;
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      return rig.answers.length;
    };
    const count = await settled();
    expect(count).toSatisfy(isRight);
    const struck = await lift(rig, fault.id);
    expect(struck).toBe(kind === "duplication" ? count - 200 : 200 - count);
    rig.answers.length = 0;
    for (let at = 0; at < 10; at++) rig.send(`${at}`);
    await answered(rig, 10);
    expect(await settled()).toBe(10);
  });

  it("reordering: overtaken, none lost; clog: they wait; corrupt: a bit turns", async () => {
    const rig = await udp();
    const reordering = await rig.inject("reordering", { share: 0.3, withinMs: 30, direction: "down" });
    for (let at = 10; at < 60; at++) {
      rig.send(`${at}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await answered(rig, 50);
    const texts = rig.answers.map(({ text }) => text);
    expect(texts).not.toEqual(texts.toSorted());
    expect(new Set(texts).size).toBe(50);
    expect(await lift(rig, reordering.id)).toBeGreaterThan(3);

    rig.answers.length = 0;
    const clog = await rig.inject("clog");
    rig.send("held");
    await until("it is held", 1_000, () => (rig.faults.faults[0]?.struck ?? 0) > 0);
    expect(rig.answers).toEqual([]);
    await lift(rig, clog.id);
    await answered(rig, 1);

    const corrupt = await rig.inject("corrupt", { share: 1, direction: "up" });
    rig.send("held");
    await answered(rig, 2);
    expect(rig.answers.map(({ text }) => text === "held")).toEqual([true, false]);
    expect(await lift(rig, corrupt.id)).toBe(1);
  });
});
