import { deepEqual, equal, ok } from "node:assert/strict";
import type { RequestOp, WatchEvent } from "../coordination/index.ts";
import {
  bytes,
  takeEvents,
  takeResponse,
  text,
  type CoordinationContext,
  type CoordinationTest,
} from "./coordination-suite.ts";

/** Events in short: type, key, value. */
function story({ nameOf }: CoordinationContext, events: readonly WatchEvent[]): string {
  return events.map(({ type, pair }) => `${type} ${nameOf(pair.key)} ${text(pair.value)}`.trim()).join();
}

export const watchPromises: Readonly<Record<string, CoordinationTest>> = {
  async "tell every change once, in order, whoever made it"(context) {
    const { coordination, other, key, all } = context;
    // A watch begins where the member that is asked stands, which may be behind the others.
    const { header } = await other.put({ key: key("before"), value: bytes("") });
    await using watcher = await other.watch(all);
    ok(watcher.header.revision >= header.revision);
    equal(watcher.startRevision, watcher.header.revision + 1);
    const made = [];
    for (let at = 0; at < 40; at++) {
      const asked = at % 2 === 0 ? coordination : other;
      const change = { key: key(`k${at % 3}`), value: bytes(`${at}`) };
      made.push(await (at % 5 === 4 ? asked.deleteRange({ key: change.key }) : asked.put(change)));
    }
    await coordination.put({ key: key("last"), value: bytes("") });
    const events = await takeEvents(watcher, 41);
    equal(events.length, 41);
    deepEqual(
      events.slice(0, 40).map(({ pair }) => pair.modRevision),
      made.map((answer) => answer.header.revision),
    );
    equal(story(context, events.slice(0, 5)), "put k0 0,put k1 1,put k2 2,put k0 3,delete k1");
    equal(story(context, events.slice(40)), "put last");
  },
  async "tell what one revision changed in one response, whose header says so"(context) {
    const { coordination, key, all } = context;
    await using watcher = await coordination.watch(all);
    const success = ["a", "b", "c"].map((name): RequestOp => ({
      type: "put",
      request: { key: key(name), value: bytes("1") },
    }));
    const { header } = await coordination.txn({ compare: [], success, failure: [] });
    const response = await takeResponse(watcher);
    equal(story(context, response.events), "put a 1,put b 1,put c 1");
    equal(response.header.revision, header.revision);
    equal(response.fragment ?? false, false);
    const deletion = await coordination.deleteRange(all);
    const deleted = await takeResponse(watcher);
    equal(story(context, deleted.events), "delete a,delete b,delete c");
    for (const { pair } of deleted.events) equal(pair.modRevision, deletion.header.revision);
  },
  async "tell the pair before, when asked"(context) {
    const { coordination, key, all } = context;
    await using watcher = await coordination.watch({ ...all, previousPairs: true });
    await using plain = await coordination.watch(all);
    await coordination.put({ key: key("a"), value: bytes("1") });
    const { header } = await coordination.put({ key: key("a"), value: bytes("2") });
    await coordination.deleteRange({ key: key("a") });
    await coordination.put({ key: key("a"), value: bytes("3") });
    const events = await takeEvents(watcher, 4);
    deepEqual(
      events.map(({ previousPair }) => previousPair && text(previousPair.value)),
      [undefined, "1", "2", undefined],
    );
    deepEqual(events[2]?.previousPair?.modRevision, header.revision);
    ok((await takeEvents(plain, 4)).every((event) => event.previousPair === undefined));
  },
  async "tell of their range alone, and of puts or deletes alone"(context) {
    const { coordination, key, all } = context;
    await using one = await coordination.watch({ key: key("b") });
    await using some = await coordination.watch({ key: key("a"), rangeEnd: key("c") });
    await using puts = await coordination.watch({ ...all, noDelete: true });
    await using deletes = await coordination.watch({ ...all, noPut: true });
    for (const name of ["a", "b", "b\0", "c"]) await coordination.put({ key: key(name), value: bytes("1") });
    await coordination.deleteRange(all);
    equal(story(context, await takeEvents(one, 2)), "put b 1,delete b");
    equal(story(context, await takeEvents(some, 6)), "put a 1,put b 1,put b\0 1,delete a,delete b,delete b\0");
    await coordination.put({ key: key("z"), value: bytes("2") });
    equal(story(context, await takeEvents(puts, 5)), "put a 1,put b 1,put b\0 1,put c 1,put z 2");
    equal(story(context, await takeEvents(deletes, 4)), "delete a,delete b,delete b\0,delete c");
  },
  async "begin in the past, or in the future"(context) {
    const { coordination, key, all } = context;
    const first = await coordination.put({ key: key("a"), value: bytes("1") });
    for (const value of ["2", "3"]) await coordination.put({ key: key("a"), value: bytes(value) });
    const { revision } = first.header;
    await using past = await coordination.watch({ ...all, startRevision: revision + 1 });
    await using future = await coordination.watch({ ...all, startRevision: revision + 5 });
    deepEqual([past.startRevision, future.startRevision], [revision + 1, revision + 5]);
    for (const value of ["4", "5", "6"]) await coordination.put({ key: key("a"), value: bytes(value) });
    equal(story(context, await takeEvents(past, 5)), "put a 2,put a 3,put a 4,put a 5,put a 6");
    equal(story(context, await takeEvents(future, 1)), "put a 6");
  },
  async "go on where another one left off, neither losing nor repeating"(context) {
    const { coordination, other, key, all } = context;
    const put = (at: number): Promise<unknown> => coordination.put({ key: key("a"), value: bytes(`${at}`) });
    const first = await coordination.watch(all);
    for (let at = 0; at < 10; at++) await put(at);
    const seen = await takeEvents(first, 5);
    await first.close();
    for (let at = 10; at < 20; at++) await put(at);
    await using second = await other.watch({ ...all, startRevision: seen.at(-1)!.pair.modRevision + 1 });
    const rest = await takeEvents(second, 20 - seen.length);
    deepEqual(
      [...seen, ...rest].map(({ pair }) => text(pair.value)),
      Array.from({ length: 20 }, (_, at) => `${at}`),
    );
  },
  async "end when what they have to tell is compacted, and say from where it can be told"(context) {
    const { coordination, key, all } = context;
    const first = await coordination.put({ key: key("a"), value: bytes("1") });
    const second = await coordination.put({ key: key("a"), value: bytes("2") });
    await using reading = await coordination.watch(all);
    await coordination.compact({ revision: second.header.revision });
    await using late = await coordination.watch({ ...all, startRevision: first.header.revision });
    const last = await takeResponse(late);
    deepEqual(
      [last.canceled, last.cancelReason, last.compactRevision, last.events],
      [true, "COMPACTED", second.header.revision, []],
    );
    equal((await late.next()).done, true);
    await using again = await coordination.watch({ ...all, startRevision: second.header.revision });
    equal(story(context, await takeEvents(again, 1)), "put a 2");
    await coordination.put({ key: key("a"), value: bytes("3") });
    equal(story(context, await takeEvents(reading, 1)), "put a 3");
  },
  async "tell how far they are, when asked"(context) {
    const { coordination, key, all } = context;
    await using watcher = await coordination.watch(all);
    await coordination.put({ key: key("a"), value: bytes("1") });
    equal(story(context, await takeEvents(watcher, 1)), "put a 1");
    // Nobody who watches this range sees it; it moves the revision all the same.
    const { header } = await coordination.put({ key: bytes("conformance elsewhere"), value: bytes("1") });
    watcher.requestProgress();
    let response = await takeResponse(watcher);
    // A member that is behind tells what it knows.
    while (response.header.revision < header.revision) {
      equal(response.progress, true);
      await context.sleep(50);
      watcher.requestProgress();
      response = await takeResponse(watcher);
    }
    deepEqual([response.progress, response.events], [true, []]);
  },
  async "tell that a lease has ended"(context) {
    const { coordination, other, key, all, sleep } = context;
    await using watcher = await other.watch({ ...all, previousPairs: true });
    const { id, ttlSeconds } = await coordination.leaseGrant({ ttlSeconds: 2 });
    for (const name of ["a", "b"]) await coordination.put({ key: key(name), value: bytes("1"), lease: id });
    equal(story(context, await takeEvents(watcher, 2)), "put a 1,put b 1");
    const pulled = takeResponse(watcher);
    await sleep(ttlSeconds * 1000 + 3000);
    const { events } = await pulled;
    equal(story(context, events), "delete a,delete b");
    deepEqual(
      events.map(({ previousPair }) => previousPair?.lease),
      [id, id],
    );
  },
  async "split what one revision changed when they are told to"(context) {
    const { coordination, key, all } = context;
    await using whole = await coordination.watch({ ...all, maxBytes: 300 });
    await using parts = await coordination.watch({ ...all, maxBytes: 300, fragment: true });
    const success = Array.from({ length: 8 }, (_, at): RequestOp => ({
      type: "put",
      request: { key: key(`${at}`), value: new Uint8Array(100) },
    }));
    await coordination.txn({ compare: [], success, failure: [] });
    equal((await takeResponse(whole)).events.length, 8);
    const told: string[] = [];
    const flags: boolean[] = [];
    while (told.length < 8) {
      const response = await takeResponse(parts);
      told.push(...response.events.map(({ pair }) => context.nameOf(pair.key)));
      flags.push(response.fragment ?? false);
    }
    equal(told.join(), "0,1,2,3,4,5,6,7");
    ok(flags.length > 1);
    ok(flags.every((fragment, at) => fragment === at < flags.length - 1));
  },
  async "stop when they are closed, left or aborted"({ coordination, key, all }) {
    const put = (): Promise<unknown> => coordination.put({ key: key("a"), value: bytes("1") });
    const closed = await coordination.watch(all);
    const waiting = closed.next();
    await closed.close();
    await closed.close();
    equal((await waiting).done, true);
    equal((await closed.next()).done, true);
    const left = await coordination.watch(all);
    await put();
    let responses = 0;
    for await (const response of left) {
      responses += response.events.length;
      break;
    }
    equal(responses, 1);
    equal((await left.next()).done, true);
    const controller = new AbortController();
    const aborted = await coordination.watch(all, { signal: controller.signal });
    const pulled = aborted.next();
    const reason = new Error("enough");
    controller.abort(reason);
    equal(await pulled.then(undefined, (error: unknown) => error), reason);
    equal((await aborted.next()).done, true);
  },
  async "keep what is not pulled, for many at once"({ coordination, key, all }) {
    const watchers = await Promise.all(Array.from({ length: 20 }, () => coordination.watch(all)));
    for (let at = 0; at < 60; at++) await coordination.put({ key: key(`${at}`), value: bytes(`${at}`) });
    for (const watcher of watchers) {
      const events = await takeEvents(watcher, 60);
      deepEqual(
        events.map(({ pair }) => text(pair.value)),
        Array.from({ length: 60 }, (_, at) => `${at}`),
      );
      await watcher.close();
    }
  },
};
