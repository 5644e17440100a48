import { rejects } from "node:assert/strict";
import type { Coordination, WatchEvent, Watcher, WatchResponse } from "../coordination/index.ts";

/** Where the tests find a store, which may hold the keys of others. */
export interface CoordinationHome {
  readonly coordination: Coordination;
  /** Another way to the same data: another member, or another client. The same where there is only one. */
  readonly other: Coordination;
  /** Lets time pass as the store's leases count it. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** A home, and a part of its keys that is this test's own. */
export interface CoordinationContext extends CoordinationHome {
  /** A key below the test's own prefix. */
  readonly key: (name: string) => Uint8Array;
  /** All keys of the test. */
  readonly all: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array };
  /** A key without the test's prefix. */
  readonly nameOf: (key: Uint8Array) => string;
}

export type CoordinationTest = (context: CoordinationContext) => Promise<void>;

/** What runs the tests: any runner's `describe` and `it`, and where the store comes from. */
export interface CoordinationSuite {
  readonly name: string;
  readonly describe: (name: string, declare: () => void) => unknown;
  readonly it: (name: string, test: () => Promise<void>) => unknown;
  /** Runs one test against a home, new or shared with the tests before. */
  readonly run: (test: (home: CoordinationHome) => Promise<void>) => Promise<void>;
}

let tests = 0;

/** Declares the tests of one part of the interface. */
export function declareCoordination(
  suite: CoordinationSuite,
  part: string,
  promises: Readonly<Record<string, CoordinationTest>>,
): void {
  suite.describe(part, () => {
    for (const [name, test] of Object.entries(promises)) {
      suite.it(name, () => {
        const prefix = `conformance/${suite.name}/${tests++}/`;
        const context = {
          key: (keyName: string) => bytes(prefix + keyName),
          all: { key: bytes(prefix), rangeEnd: bytes(`${prefix.slice(0, -1)}0`) },
          nameOf: (key: Uint8Array) => text(key).slice(prefix.length),
        };
        return suite.run((home) => test({ ...home, ...context }));
      });
    }
  });
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function text(value: Uint8Array | undefined): string {
  return new TextDecoder().decode(value);
}

/** The request is refused with this code of CoordinationError. */
export async function refused(request: Promise<unknown>, code: string): Promise<void> {
  await rejects(request, { name: "CoordinationError", code });
}

/** Pulls until there are so many events, or one more response than that brings. */
export async function takeEvents(watcher: Watcher, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  while (events.length < count) events.push(...(await takeResponse(watcher)).events);
  return events;
}

export async function takeResponse(watcher: Watcher): Promise<WatchResponse> {
  const { value } = await watcher.next();
  if (value === undefined) throw new Error("the watch is over");
  return value;
}
