import { expect, it } from "vitest";
import { createMemoryMember, type Coordination, type KeyValue } from "../../coordination/index.ts";
import { seededRandom, type Clock, type Random } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { historyRecorder, type HistoryRecorder } from "../history-recorder.ts";
import type { HistoryEvent } from "../history.ts";
import { checkLinearizable } from "../linearizability.ts";
import { chance, pick } from "../testing/draw.ts";
import { coordination } from "./coordination.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const keys = ["a", "b", "c"] as const;

/** A pair as the model reads it. */
function found(pair: KeyValue | undefined): object {
  if (pair === undefined) return { value: null, createRevision: 0, modRevision: 0, version: 0 };
  const { value, createRevision, modRevision, version } = pair;
  return { value: new TextDecoder().decode(value), createRevision, modRevision, version };
}

/** One call of a client, as it is recorded and as it is made. */
interface Act {
  readonly f: string;
  readonly key: string;
  readonly value: unknown;
  readonly run: (store: Coordination) => Promise<object>;
}

function drawAct(random: Random, fresh: string): Act {
  const key = pick(random, keys);
  const f = pick(random, ["get", "put", "del", "txn"]);
  const revisionOf = ({ header }: { header: { revision: number } }): object => ({ revision: header.revision });
  if (f === "get") {
    const get = async (store: Coordination): Promise<object> => {
      const answer = await store.range({ key: bytes(key) });
      return { ...found(answer.pairs[0]), ...revisionOf(answer) };
    };
    return { f, key, value: null, run: get };
  }
  if (f === "put") {
    return {
      f,
      key,
      value: fresh,
      run: async (store) => revisionOf(await store.put({ key: bytes(key), value: bytes(fresh) })),
    };
  }
  if (f === "del") {
    const del = async (store: Coordination): Promise<object> => {
      const answer = await store.deleteRange({ key: bytes(key) });
      return { deleted: answer.deleted, ...revisionOf(answer) };
    };
    return { f, key, value: null, run: del };
  }
  // Moves what is under one key to another, if the first was put less than three times.
  const other = keys[(keys.indexOf(key) + 1) % keys.length]!;
  const value = {
    compare: [[key, "version", "less", 3]],
    success: [
      ["put", other, fresh],
      ["del", key],
    ],
    failure: [["get", other]],
  };
  const txn = async (store: Coordination): Promise<object> => {
    const answer = await store.txn({
      compare: [{ key: bytes(key), target: "version", result: "less", operand: 3 }],
      success: [
        { type: "put", request: { key: bytes(other), value: bytes(fresh) } },
        { type: "deleteRange", request: { key: bytes(key) } },
      ],
      failure: [{ type: "range", request: { key: bytes(other) } }],
    });
    const results = answer.responses.map((response) => {
      if (response.type === "range") return found(response.response.pairs[0]);
      return response.type === "deleteRange" ? { deleted: response.response.deleted } : null;
    });
    return { succeeded: answer.succeeded, results, ...revisionOf(answer) };
  };
  return { f, key, value, run: txn };
}

async function client(
  store: Coordination,
  clock: Clock,
  recorder: HistoryRecorder,
  random: Random,
  name: string,
): Promise<void> {
  const process = recorder.process();
  for (let i = 0; i < 60; i++) {
    await clock.sleep(random.integer(0, 5));
    const { f, key, value, run } = drawAct(random, `${name} ${i}`);
    const pending = process.invoke({ f, key, value });
    await clock.sleep(random.integer(0, 10));
    const result = await run(store);
    await clock.sleep(random.integer(0, 10));
    if (chance(random, 0.04)) pending.info();
    else pending.ok(result);
  }
}

async function record(seed: number): Promise<readonly HistoryEvent[]> {
  const clock = new VirtualClock();
  const store = createMemoryMember({ clock, random: seededRandom(seed) });
  const recorder = historyRecorder(clock);
  const random = seededRandom(seed);
  const working = Promise.all(
    ["a", "b", "c", "d", "e"].map((name) => client(store, clock, recorder, random.fork(name), name)),
  );
  await clock.advance(60 * 30);
  await working;
  await store.close();
  return recorder.events;
}

it("is what the store does, revisions and all", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const events = await record(seed);
    expect(events.length).toBeGreaterThan(500);
    expect(checkLinearizable(coordination(), events)).toMatchObject({ verdict: "ok" });
    // A store that gives one revision twice is found out.
    const at = events.findIndex(({ type, f }, i) => i > 200 && type === "ok" && f === "put");
    const { value, ...event } = events[at]!;
    const { revision } = value as { readonly revision: number };
    const wrong = events.with(at, { ...event, value: { revision: revision - 1 } });
    expect(checkLinearizable(coordination(), wrong)).toMatchObject({ verdict: "violation" });
  }
});
