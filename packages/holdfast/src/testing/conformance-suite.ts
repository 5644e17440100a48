import type { Runtime } from "../runtime/index.ts";

export interface RuntimeContext {
  /** Where `runtime` may listen: its name or address. */
  readonly host: string;
  /** A directory on its disk, there and empty. */
  readonly directory: string;
  /** A runtime that reaches `host` over the network; it may be the same one. */
  readonly peer: Runtime;
}

export type RuntimeTest = (runtime: Runtime, context: RuntimeContext) => Promise<void>;

/** What runs the tests: any runner's `describe` and `it`, and the world they run in. */
export interface RuntimeSuite {
  readonly name: string;
  readonly describe: (name: string, declare: () => void) => unknown;
  readonly it: (name: string, test: () => Promise<void>) => unknown;
  /** Runs one test in a world of its own. */
  readonly run: (test: RuntimeTest) => Promise<void>;
}

/** Declares the tests of one part of a runtime. */
export function declareTests(suite: RuntimeSuite, part: string, tests: Readonly<Record<string, RuntimeTest>>): void {
  suite.describe(part, () => {
    for (const [name, test] of Object.entries(tests)) suite.it(name, () => suite.run(test));
  });
}
