import { Client, credentials, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import { createMemoryMember, type Member } from "holdfast/coordination";
import { afterEach, describe, expect, it } from "vitest";
import { serveMember, type ServeLimits } from "../serve.ts";
import { toSafeInteger, type WireInteger } from "holdfast/adapters/etcd-protocol";
import { wireType } from "./wire-type.ts";

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Told {
  readonly header: { readonly revision: WireInteger };
  readonly watch_id: WireInteger;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: WireInteger;
  readonly cancel_reason: string;
  readonly fragment: boolean;
  readonly events: readonly {
    readonly type: number;
    readonly kv: { readonly key: Buffer; readonly value: Buffer; readonly mod_revision: WireInteger };
    readonly prev_kv: { readonly value: Buffer } | null;
  }[];
}

/** A watch stream as a client has it: what comes is taken one by one. */
class WatchCall {
  readonly stream: ClientDuplexStream<object, Told>;
  readonly #told: Told[] = [];
  #wake: (() => void) | undefined;
  #error: ServiceError | undefined;

  constructor(client: Client) {
    this.stream = client.makeBidiStreamRequest<object, Told>(
      "/etcdserverpb.Watch/Watch",
      (request) => (Buffer.isBuffer(request) ? request : wireType("WatchRequest").encode(request)),
      (bytes) => wireType("WatchResponse").decode(bytes) as Told,
    );
    this.stream.on("data", (told: Told) => {
      this.#told.push(told);
      this.#wake?.();
    });
    this.stream.on("error", (error: ServiceError) => {
      this.#error = error;
      this.#wake?.();
    });
    opened.push(() => this.stream.cancel());
  }

  create(request: object): void {
    this.stream.write({ create_request: request });
  }

  async next(): Promise<Told> {
    while (this.#told.length === 0) {
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#told.shift()!;
  }

  /** Takes events until there are so many, of one watch alone. */
  async events(count: number): Promise<Told["events"]> {
    const events: Told["events"][number][] = [];
    while (events.length < count) events.push(...(await this.next()).events);
    return events;
  }
}

async function serve(
  limits: ServeLimits = {},
): Promise<{ member: Member; client: Client; close: () => Promise<void> }> {
  const member = createMemoryMember();
  const served = await serveMember({ member, client: { host: "127.0.0.1", port: 0 }, limits });
  const client = new Client(`127.0.0.1:${served.clientAddress.port}`, credentials.createInsecure());
  opened.push(
    () => member.close(),
    () => served.close(),
    () => client.close(),
  );
  return { member, client, close: () => served.close() };
}

const bytes = (text: string): Buffer => Buffer.from(text);
const put = (member: Member, key: string, value: string | Buffer = "v"): Promise<unknown> =>
  member.put({ key: bytes(key), value: Buffer.from(value) });
const revisions = (events: Told["events"]): number[] => events.map(({ kv }) => toSafeInteger(kv.mod_revision));
const all = { key: Buffer.alloc(1), range_end: Buffer.alloc(1) };

describe("a watch stream", () => {
  it("says that a watch exists before it tells of anything", async () => {
    const { member, client } = await serve();
    await put(member, "a");
    const call = new WatchCall(client);
    call.create({ key: bytes("a"), start_revision: 1 });
    expect(await call.next()).toMatchObject({ created: true, canceled: false, events: [] });
    expect(revisions((await call.next()).events)).toEqual([2]);
    await put(member, "a");
    expect(revisions((await call.next()).events)).toEqual([3]);
  });

  it("carries many watches, each with its own number and range", async () => {
    const { member, client } = await serve();
    const call = new WatchCall(client);
    for (const [key, id] of [
      ["a", 0],
      ["b", 7],
      ["c", 0],
      ["d", -3],
      ["e", 1],
      ["f", 0],
    ] as const) {
      call.create({ key: bytes(key), watch_id: id });
    }
    const ids: number[] = [];
    for (let at = 0; at < 6; at++) ids.push(toSafeInteger((await call.next()).watch_id));
    // The server passes over those that are taken.
    expect(ids).toEqual([0, 7, 1, -3, -1, 2]);
    for (const key of ["f", "a", "b", "z", "d"]) await put(member, key);
    const told: [number, string][] = [];
    for (let at = 0; at < 4; at++) {
      const { watch_id, events } = await call.next();
      told.push([toSafeInteger(watch_id), events.map(({ kv }) => kv.key.toString()).join()]);
    }
    expect(told).toEqual([
      [2, "f"],
      [0, "a"],
      [7, "b"],
      [-3, "d"],
    ]);
  });

  it("refuses a number that is taken and a range that holds nothing, and goes on", async () => {
    const { member, client } = await serve();
    const call = new WatchCall(client);
    call.create({ key: bytes("a"), watch_id: 5 });
    call.create({ key: bytes("b"), watch_id: 5 });
    call.create({ key: bytes("b"), range_end: bytes("a") });
    call.create({ key: bytes("b"), range_end: bytes("b") });
    expect(await call.next()).toMatchObject({ created: true, canceled: false });
    const refusals = ["mvcc: duplicate watch ID provided on the WatchStream", "mvcc: watcher range is empty"];
    for (const reason of [...refusals, refusals[1]]) {
      const told = await call.next();
      expect(told).toMatchObject({ created: true, canceled: true, cancel_reason: reason });
      expect(toSafeInteger(told.watch_id)).toBe(-1);
    }
    await put(member, "b");
    await put(member, "a");
    expect(revisions(await call.events(1))).toEqual([3]);
  });

  it("ends one watch, says nothing of one that is not there, and gives its number free", async () => {
    const { member, client } = await serve();
    const call = new WatchCall(client);
    call.create({ key: bytes("a"), watch_id: 5 });
    call.stream.write({ cancel_request: { watch_id: 99 } });
    call.stream.write({ cancel_request: { watch_id: 5 } });
    call.stream.write({ cancel_request: { watch_id: 5 } });
    call.create({ key: bytes("a"), watch_id: 5 });
    expect(await call.next()).toMatchObject({ created: true });
    expect(await call.next()).toMatchObject({ created: false, canceled: true, cancel_reason: "" });
    expect(await call.next()).toMatchObject({ created: true, canceled: false });
    await put(member, "a");
    expect(revisions((await call.next()).events)).toEqual([2]);
  });

  it("ignores a message that asks for nothing, and ends at one that is none", async () => {
    const { client } = await serve();
    const [call, other] = [new WatchCall(client), new WatchCall(client)];
    other.create({ key: bytes("a") });
    call.stream.write(Buffer.alloc(0));
    call.stream.write(bytes("\u001a\0"));
    expect(await call.next()).toMatchObject({ created: false });
    call.stream.write(Buffer.from("0a05", "hex"));
    await expect(call.next()).rejects.toMatchObject({ code: 13, details: /^grpc: error unmarshalling request/ });
    expect(await other.next()).toMatchObject({ created: true });
  });

  it("leaves out what is not asked for, and adds the pair before", async () => {
    const { member, client } = await serve();
    const [puts, deletes] = [new WatchCall(client), new WatchCall(client)];
    puts.create({ ...all, filters: [1], start_revision: 1 });
    deletes.create({ ...all, filters: [0], prev_kv: true, start_revision: 1 });
    await put(member, "a", "1");
    await member.deleteRange({ key: bytes("a") });
    await put(member, "a", "2");
    expect((await puts.events(2)).map(({ type, prev_kv }) => [type, prev_kv])).toEqual([
      [0, null],
      [0, null],
    ]);
    const [deleted] = await deletes.events(1);
    expect(deleted).toMatchObject({ type: 1, prev_kv: { value: bytes("1") } });
    expect(revisions([deleted!])).toEqual([3]);
  });

  it("tells its progress when it has told everything", async () => {
    const { member, client } = await serve();
    const call = new WatchCall(client);
    call.stream.write({ progress_request: {} });
    const idle = await call.next();
    expect([toSafeInteger(idle.watch_id), toSafeInteger(idle.header.revision)]).toEqual([-1, 1]);
    for (let at = 0; at < 3000; at++) await put(member, `k/${at}`);
    call.create({ key: bytes("k/"), range_end: bytes("k0"), start_revision: 1, watch_id: 1 });
    call.create({ key: bytes("none"), watch_id: 2 });
    call.stream.write({ progress_request: {} });
    call.stream.write({ progress_request: {} });
    let told = 0;
    for (let answers = 0; answers < 2;) {
      const { watch_id, header, events } = await call.next();
      told += events.length;
      if (toSafeInteger(watch_id) !== -1) continue;
      answers++;
      expect(toSafeInteger(header.revision)).toBe(3001);
      expect(told).toBe(3000);
    }
  });

  it("splits what one revision changed, for those who ask", async () => {
    const { member, client } = await serve({ maxRequestBytes: 20_000 });
    const [whole, parts] = [new WatchCall(client), new WatchCall(client)];
    whole.create({ ...all });
    parts.create({ ...all, fragment: true });
    await Promise.all([whole.next(), parts.next()]);
    const success = Array.from({ length: 20 }, (_, at) => ({
      type: "put" as const,
      request: { key: bytes(`k/${at}`), value: Buffer.alloc(3000, at) },
    }));
    await member.txn({ compare: [], success, failure: [] });
    expect((await whole.next()).events).toHaveLength(20);
    const keys: string[] = [];
    const flags: boolean[] = [];
    do {
      const part = await parts.next();
      flags.push(part.fragment);
      for (const { kv } of part.events) keys.push(kv.key.toString());
    } while (flags.at(-1));
    expect(flags).toEqual([true, true, true, false]);
    expect(keys).toEqual(success.map(({ request }) => request.key.toString()));
  });

  it("goes on when the caller asks for nothing more", async () => {
    const { member, client } = await serve();
    const call = new WatchCall(client);
    call.create({ key: bytes("a") });
    call.stream.end();
    await call.next();
    await put(member, "a");
    expect(revisions(await call.events(1))).toEqual([2]);
  });

  it("ends with the server, and with words that make clients try another", async () => {
    const { client, close } = await serve();
    const call = new WatchCall(client);
    call.create({ key: bytes("a") });
    await call.next();
    const closing = close();
    await expect(call.next()).rejects.toMatchObject({ code: 14, details: "etcdserver: server stopped" });
    await closing;
  });
});

describe("a client that does not read", () => {
  const value = Buffer.alloc(10_000, 1);
  const count = 3000;

  it("holds back its own stream alone, and misses nothing", async () => {
    const { member, client } = await serve();
    const [slow, quick] = [new WatchCall(client), new WatchCall(client)];
    for (const call of [slow, quick]) {
      call.create({ ...all });
      await call.next();
    }
    slow.stream.pause();
    const reading = quick.events(count);
    const valueOf = (revision: number): Buffer => Buffer.alloc(10_000, revision % 251);
    for (let at = 0; at < count; at++) await put(member, `k/${at % 10}`, valueOf(at + 2));
    const expected = Array.from({ length: count }, (_, at) => at + 2);
    const told = [await reading];
    slow.stream.resume();
    told.push(await slow.events(count));
    for (const events of told) {
      expect(revisions(events)).toEqual(expected);
      // What is sent is not overwritten by what comes after it.
      expect(events.findIndex(({ kv }, at) => !valueOf(at + 2).equals(kv.value))).toBe(-1);
    }
  });

  it("is told what it can no longer be told, when that is compacted meanwhile", async () => {
    const { member, client } = await serve();
    const call = new WatchCall(client);
    call.create({ ...all });
    await call.next();
    call.stream.pause();
    for (let at = 0; at < count; at++) await put(member, `k/${at % 10}`, value);
    await member.compact({ revision: count });
    call.stream.resume();
    let expected = 2;
    for (;;) {
      const { events, canceled, compact_revision } = await call.next();
      for (const revision of revisions(events)) expect(revision).toBe(expected++);
      if (!canceled) continue;
      expect(toSafeInteger(compact_revision)).toBe(count);
      break;
    }
    expect(expected).toBeLessThan(count);
    call.create({ ...all, start_revision: count });
    await call.next();
    expect(revisions(await call.events(2))).toEqual([count, count + 1]);
  });

  it("is not listened to when it asks and asks", async () => {
    const { client } = await serve();
    const call = new WatchCall(client);
    call.stream.pause();
    const asked = 10_000;
    let taken = 0;
    // A question for the progress, and a long field that nobody knows.
    const question = Buffer.concat([Buffer.from("1a00fa07e807", "hex"), Buffer.alloc(1000)]);
    for (let at = 0; at < asked; at++) call.stream.write(question, () => taken++);
    const other = new WatchCall(client);
    other.create({ key: bytes("a") });
    await other.next();
    expect(taken).toBeLessThan(asked);
    call.stream.resume();
    for (let at = 0; at < asked; at++) expect(toSafeInteger((await call.next()).watch_id)).toBe(-1);
  });
});
