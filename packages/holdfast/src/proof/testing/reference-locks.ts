import type { Call, Draw, Outcome, ReferenceObject } from "./reference-object.ts";

interface Held {
  readonly holder: string | null;
  readonly token: number;
}

function lock(isFenced: boolean): ReferenceObject<Held> {
  return {
    initial: { holder: null, token: -1 },
    outcomes({ holder, token }, { f, caller }: Call, recorded?: unknown): readonly Outcome<Held>[] {
      if (f === "release") return holder === caller ? [[{ holder: null, token }, null]] : [];
      if (holder !== null) return [[{ holder, token }, false]];
      if (!isFenced) return [[{ holder: caller, token }, null]];
      // Tokens may leave out any numbers.
      const tokens = new Set([token + 1, token + 2]);
      if (typeof recorded === "number" && recorded > token) tokens.add(recorded);
      return Array.from(tokens, (next) => [{ holder: caller, token: next }, next]);
    },
    draw({ holder }, { caller }: Draw) {
      const isNamed = caller.startsWith("client");
      return { f: holder === caller ? "release" : "acquire", input: isNamed ? caller : null };
    },
  };
}

export const mutexReference: ReferenceObject<Held> = lock(false);
export const fencedMutexReference: ReferenceObject<Held> = lock(true);
