import { OrderedIndex } from "./ordered-index.ts";
import { textOf } from "./byte-text.ts";
const b = (s: string) => new TextEncoder().encode(s);
const N = 100_000;
const kb = Array.from({ length: N }, (_, i) => b(`/registry/pods/default/pod-${(i * 7919) % N}`));
const idx = new OrderedIndex<{ x: number }>(() => 1);
for (const k of kb) idx.set(textOf(k), { x: 1 });
const ks = kb.map(textOf);
const map = new Map(ks.map((k) => [k, { x: 1 }]));
const s = ks.slice().sort();
function lb(keys: string[], key: string) {
  let lo = 0,
    hi = keys.length;
  while (lo < hi) {
    const m = (lo + hi) >>> 1;
    if (keys[m]! < key) lo = m + 1;
    else hi = m;
  }
  return lo;
}
for (let r = 0; r < 3; r++) {
  for (const [name, f] of [
    ["textOf", (i: number) => textOf(kb[(i * 31) % N]!).length],
    ["index.get fixed strings", (i: number) => idx.get(ks[(i * 31) % N]!)!.x],
    ["index.get fresh", (i: number) => idx.get(textOf(kb[(i * 31) % N]!))!.x],
    ["bsearch", (i: number) => lb(s, ks[(i * 31) % N]!)],
    ["map fresh", (i: number) => map.get(textOf(kb[(i * 31) % N]!))!.x],
  ] as const) {
    const c = process.cpuUsage();
    let x = 0;
    for (let i = 0; i < 300000; i++) x += f(i);
    const d = process.cpuUsage(c);
    console.log(name, (((d.user + d.system) / 300000) * 1000) | 0);
  }
}
