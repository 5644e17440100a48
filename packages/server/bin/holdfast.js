#!/usr/bin/env node
import { existsSync } from "node:fs";
import module from "node:module";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(`holdfast: needs Node 22.12 or later (this is ${process.versions.node})`);
  process.exit(3);
}
// In the repository there are sources and perhaps no build: packages resolve to their sources there.
if (existsSync(new URL("../src", import.meta.url))) {
  module.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: ["source", ...context.conditions] }),
  });
}
await import("@holdfast/server/cli");
