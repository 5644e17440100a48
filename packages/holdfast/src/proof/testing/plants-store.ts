import type { DrawnOperation } from "./drawn-history.ts";
import { done, plant, precedes, sameObject, strange, type Change, type Plant } from "./plant.ts";

interface Found {
  readonly value: number | null;
  readonly modRevision: number;
  readonly revision: number;
}

const found = ({ output }: DrawnOperation): Found => output as Found;

/** Revisions never come back. */
export const coordinationPlants: Readonly<Record<string, Plant>> = {
  "stale read": plant(function* (operations): Iterable<Change> {
    const gets = done(operations, "get");
    const puts = done(operations, "put");
    for (const old of gets) {
      for (const put of puts) {
        if (found(old).value === null || !sameObject(old, put) || !precedes(old, put)) continue;
        for (const get of gets) {
          if (!sameObject(put, get) || !precedes(put, get)) continue;
          yield [get, { ...found(old), revision: found(get).revision }];
        }
      }
    }
  }),
  "wrong mod revision": plant(function* (operations): Iterable<Change> {
    const puts = done(operations, "put");
    for (const get of done(operations, "get")) {
      const writer = puts.find(({ input }) => input === found(get).value);
      if (writer !== undefined) yield [get, { ...found(get), modRevision: found(writer).revision + 1 }];
    }
  }),
  "revision used twice": plant(function* (operations): Iterable<Change> {
    const puts = done(operations, "put");
    for (const first of puts) {
      for (const second of puts) if (precedes(first, second)) yield [second, { revision: found(first).revision }];
    }
  }),
  "applied twice": plant(function* (operations): Iterable<Change> {
    for (const get of done(operations, "get")) {
      if (found(get).value === null) continue;
      // More writes than were ever called for.
      yield [get, { ...found(get), version: 3 * operations.length + 1 }];
    }
  }),
  phantom: plant(function* (operations): Iterable<Change> {
    for (const get of done(operations, "get")) yield [get, { ...found(get), value: strange }];
  }),
};
