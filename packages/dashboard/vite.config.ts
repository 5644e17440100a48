import { join } from "node:path";
import { defineConfig, type UserConfig, type UserConfigFnObject } from "vite";
import { singleFile } from "./single-file.ts";

/** What nodes serve, and the page that recordings are put into. */
const outDir = join(import.meta.dirname, "..", "server", "dashboard");

/** `vite build` makes the page, and `vite build --mode recording` afterwards the one that a recording fits into. */
const config: UserConfigFnObject = defineConfig(({ mode }): UserConfig => {
  const isRecording = mode === "recording";
  return {
    root: import.meta.dirname,
    // The page works below any path.
    base: "./",
    logLevel: "warn",
    // Of the library the page takes types, and this one table: nothing that knows Node may come along.
    resolve: {
      alias: { "holdfast/telemetry": join(import.meta.dirname, "..", "holdfast", "src", "telemetry", "event.ts") },
    },
    define: { "process.env.NODE_ENV": '"production"' },
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    plugins: isRecording ? [singleFile()] : [],
    build: {
      outDir,
      emptyOutDir: !isRecording,
      target: "es2024",
      // A page of one file has everything in it; the other's policy forbids `data:` addresses.
      assetsInlineLimit: isRecording ? Number.MAX_SAFE_INTEGER : 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      rolldownOptions: { input: join(import.meta.dirname, isRecording ? "recording.html" : "index.html") },
    },
  };
});

export default config;
