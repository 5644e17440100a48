import { defineConfig, type ViteUserConfig } from "vitest/config";

const resolve = { conditions: ["source"] };
const ssr = { resolve };

/** Five tiers: beside the source, against real clients, with real processes, the simulator's own tests, and in a browser. */
const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "bench/**/*.test.ts"],
          // Virtual time costs nothing, but what happens in it costs processor time, and a busy machine has little of it.
          testTimeout: 20_000,
          maxWorkers: "100%",
          // A worker loads a module once, not once for each of the files: no file may leave anything behind in one.
          isolate: false,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          testTimeout: 300_000,
          // A file fills both cores by itself.
          fileParallelism: false,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "process",
          include: ["test/process/**/*.test.ts", "test/clients/**/*.test.ts"],
          globalSetup: "test/browser/build-page.ts",
          // Of a hang only: what a test promises to take it measures itself.
          testTimeout: 300_000,
          hookTimeout: 120_000,
          // These mostly wait for others. Each has ports of its own: test/process/free-ports.ts.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          globalSetup: "test/browser/build-page.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // What is measured here is how smoothly a page is drawn: one at a time.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

export default config;
