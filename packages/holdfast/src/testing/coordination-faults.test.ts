import { expect, it } from "vitest";
import { createMemoryMember, type Coordination, type Watcher, type WatchResponse } from "../coordination/index.ts";
import { coordinationConformance, VirtualClock } from "./index.ts";

/** Long enough for everything that needs no time to pass; a lost event would be waited for forever. */
const turns = 3_000;

async function patience(): Promise<never> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  throw new Error("it waits for something that does not come");
}

/** The names of the tests that a home does not pass. */
async function failures(spoil: (home: Coordination) => Partial<Coordination>): Promise<string[]> {
  const tests: (readonly [string, () => Promise<void>])[] = [];
  coordinationConformance({
    name: "a spoilt home",
    describe: (_, declare) => declare(),
    it: (name, test) => void tests.push([name, test]),
    async run(test) {
      const clock = new VirtualClock();
      const member = createMemoryMember({ clock });
      const coordination = { ...member, ...spoil(member) };
      await test({ coordination, other: coordination, sleep: (ms) => clock.advance(ms) });
    },
  });
  const failed: string[] = [];
  for (const [name, test] of tests) {
    await Promise.race([test(), patience()]).catch(() => failed.push(name));
  }
  return failed;
}

/** A watcher whose responses are changed. */
function spoilt(watcher: Watcher, change: (value: WatchResponse) => WatchResponse): Watcher {
  const next: Watcher["next"] = async () => {
    const pulled = await watcher.next();
    return pulled.value === undefined ? pulled : { ...pulled, value: change(pulled.value) };
  };
  const own = { next, [Symbol.asyncIterator]: (): Watcher => wrapped };
  const wrapped: Watcher = new Proxy(watcher, {
    get: (target, name) => {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name) as unknown;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  return wrapped;
}

it("the suite passes what is sound", async () => {
  expect(await failures(() => ({}))).toEqual([]);
});

const faults: readonly (readonly [string, string, (home: Coordination) => Partial<Coordination>])[] = [
  [
    "loses every fifth event of a response",
    "keep what is not pulled",
    (home) => ({
      watch: async (request, options) =>
        spoilt(await home.watch(request, options), (value) => ({
          ...value,
          events: value.events.filter((_, at) => at % 5 !== 4),
        })),
    }),
  ],
  [
    "tells everything twice",
    "tell every change once",
    (home) => ({
      watch: async (request, options) =>
        spoilt(await home.watch(request, options), (value) => ({
          ...value,
          events: value.events.flatMap((event) => [event, event]),
        })),
    }),
  ],
  [
    "turns the events of a response round",
    "tell what one revision changed in one response",
    (home) => ({
      watch: async (request, options) =>
        spoilt(await home.watch(request, options), (value) => ({
          ...value,
          events: value.events.toReversed(),
        })),
    }),
  ],
  [
    "begins every watch now",
    "begin in the past",
    (home) => ({ watch: ({ startRevision: _start, ...request }, options) => home.watch(request, options) }),
  ],
  [
    "forgets leases",
    "end by themselves",
    (home) => ({ put: ({ lease: _lease, ...request }, options) => home.put(request, options) }),
  ],
  [
    "does not keep alive",
    "live as long as they are kept alive",
    (home) => ({
      leaseKeepAlive: async ({ id }) => ({ ...(await home.leaseTimeToLive({ id })), id, ttlSeconds: 2 }),
    }),
  ],
  [
    "ignores conditions",
    "let fifty writers count",
    (home) => ({ txn: (request, options) => home.txn({ ...request, compare: [] }, options) }),
  ],
  [
    "answers every read from the newest revision",
    "the past can be read",
    (home) => ({ range: ({ revision: _revision, ...request }, options) => home.range(request, options) }),
  ],
  [
    "compacts nothing",
    "end when what they have to tell is compacted",
    (home) => ({ compact: async () => home.range({ key: Uint8Array.of(1) }) as never }),
  ],
  [
    "forgets filters",
    "puts or deletes alone",
    (home) => ({
      watch: ({ noPut: _noPut, noDelete: _noDelete, ...request }, options) => home.watch(request, options),
    }),
  ],
];

it.each(faults)("the suite finds a home that %s", async (_, promise, spoil) => {
  const failed = await failures(spoil);
  expect(failed.filter((name) => name.includes(promise))).not.toEqual([]);
});
