import { KeyValueStore } from "./index.ts";
const b = (s: string) => new TextEncoder().encode(s);
const N = 100_000;
const keys = Array.from({ length: N }, (_, i) => b(`/registry/pods/default/pod-${(i * 7919) % N}`));
const value = new Uint8Array(256).fill(200);
const store = new KeyValueStore();
for (const key of keys) store.put({ key, value });
const cpu = process.cpuUsage();
const s = performance.now();
const R = 1e6;
if (process.argv[2] === "put")
  for (let i = 0; i < R; i++) {
    store.put({ key: keys[(i * 31) % N]!, value });
    if (i % 1000 === 999) store.compact({ revision: store.revision });
  }
else for (let i = 0; i < R; i++) store.range({ key: keys[(i * 31) % N]! });
const c = process.cpuUsage(cpu);
console.log(
  process.argv[2] ?? "get",
  "wall",
  (((performance.now() - s) / R) * 1e6) | 0,
  "cpu",
  (((c.user + c.system) / R) * 1e3) | 0,
);
