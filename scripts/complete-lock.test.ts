import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { missingEntries, platformOf } from "./complete-lock.ts";

describe("the lock file", () => {
  it("names every optional package of every platform, so that npm ci takes it", () => {
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
      packages: Parameters<typeof missingEntries>[0];
    };
    expect(missingEntries(lock.packages)).toEqual({});
  });

  it.each([
    ["@tool/binding-linux-x64-gnu", { os: ["linux"], cpu: ["x64"], libc: ["glibc"] }],
    ["@tool/binding-linux-arm-musleabihf", { os: ["linux"], cpu: ["arm"], libc: ["musl"] }],
    ["@tool/darwin-arm64", { os: ["darwin"], cpu: ["arm64"] }],
    ["@tool/binding-wasm32-wasi", { cpu: ["wasm32"] }],
    ["fsevents", undefined],
  ])("%s is for %o", (name, platform) => {
    expect(platformOf(name)).toEqual(platform);
  });

  it("gets an entry for what is missing, and keeps what is there", () => {
    const packages = {
      "node_modules/tool": {
        dev: true,
        optionalDependencies: { "@tool/win32-x64": "1.0.0", "@tool/linux-x64": "1.0.0" },
      },
      "node_modules/@tool/linux-x64": { version: "1.0.0" },
    };
    expect(missingEntries(packages)).toEqual({
      "node_modules/@tool/win32-x64": { version: "1.0.0", dev: true, optional: true, os: ["win32"], cpu: ["x64"] },
    });
  });
});
