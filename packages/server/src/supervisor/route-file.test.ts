import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { routeFile, writeRouteFile } from "./route-file.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-route-file-"));
const file = join(directory, "n1.json");

afterAll(() => rmSync(directory, { recursive: true }));

it("is looked at again, seldom, and tells streams and datagrams apart", () => {
  let now = 0;
  writeRouteFile(file, { tcp: { "127.0.0.1:1": "127.0.0.1:7", "a:2": "b:3" }, udp: { "[::1]:1": "[::1]:8" } });
  const tables = routeFile(file, () => now);
  const first = tables();
  expect([...first.streams]).toEqual([
    ["127.0.0.1:1", { host: "127.0.0.1", port: 7 }],
    ["a:2", { host: "b", port: 3 }],
  ]);
  expect([...first.datagrams]).toEqual([["[::1]:1", { host: "::1", port: 8 }]]);
  writeRouteFile(file, { tcp: {}, udp: {} });
  now = 49;
  expect(tables()).toBe(first);
  now = 50;
  expect([tables().streams.size, tables().datagrams.size]).toEqual([0, 0]);
});

it("that can no longer be read changes nothing", () => {
  let now = 0;
  writeRouteFile(file, { tcp: { "a:1": "b:2" }, udp: {} });
  const tables = routeFile(file, () => (now += 1_000));
  writeFileSync(file, "{");
  expect(tables().streams.size).toBe(1);
  rmSync(file);
  expect(tables().streams.size).toBe(1);
});

it.each(['{"tcp":{"a:1":"b"},"udp":{}}', "nothing", '{"tcp":{}}'])("is refused at first when it says %s", (text) => {
  writeFileSync(file, text);
  expect(() => routeFile(file)).toThrow();
});
