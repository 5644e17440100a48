import { KeyValueStore, createKeyValueStateMachine, encodeCommand, decodeCommand } from "./index.ts";
const b = (s: string) => new TextEncoder().encode(s);
const N = 100_000;
const keys = Array.from({ length: N }, (_, i) => b(`/registry/pods/default/pod-${(i * 7919) % N}`));
const value = new Uint8Array(256).fill(200);
const t = (name: string, n: number, f: (i: number) => void) => {
  let best = Infinity;
  for (let r = 0; r < 3; r++) {
    const s = performance.now();
    for (let i = 0; i < n; i++) f(i);
    best = Math.min(best, ((performance.now() - s) / n) * 1e6);
  }
  console.log(name.padEnd(40), best.toFixed(0), "ns");
};
const store = new KeyValueStore();
{
  const s = performance.now();
  for (const key of keys) store.put({ key, value });
  console.log("insert", (((performance.now() - s) / N) * 1e6).toFixed(0));
}
t("put overwrite", N, (i) => {
  store.put({ key: keys[(i * 31) % N]!, value });
  if (i % 1000 === 999) store.compact({ revision: store.revision });
});
t("get", N, (i) => {
  store.range({ key: keys[(i * 31) % N]! });
});
t("get small view keysOnly", N, (i) => {
  store.range({ key: keys[(i * 31) % N]!, keysOnly: true });
});
t("range 10 of prefix (limit)", 20000, (i) => {
  store.range({ key: keys[(i * 31) % N]!, rangeEnd: b("/registry/pods/default/pod:"), limit: 10 });
});
t("count prefix", 20000, (i) => {
  store.range({ key: keys[(i * 31) % N]!, rangeEnd: b("/registry/pods/default/pod:"), countOnly: true });
});
t("past get", 20000, (i) => {
  store.range({ key: keys[(i * 31) % N]!, revision: store.revision });
});
t("range all 100k", 3, () => {
  store.range({ key: b("\0"), rangeEnd: b("\0") });
});
const command = {
  identity: { client: 123456789012, sequence: 77, acknowledged: 70 },
  operation: { type: "put" as const, request: { key: keys[0]!, value } },
};
t("encode put", N, () => {
  encodeCommand(command);
});
const enc = encodeCommand(command);
console.log(enc.length);
t("decode put", N, () => {
  decodeCommand(enc);
});
const m = createKeyValueStateMachine();
let index = 0;
const datas = Array.from({ length: N * 3 }, (_, i) =>
  encodeCommand({
    identity: {
      client: 1 + (i % 50),
      sequence: 1 + Math.floor(i / 50),
      acknowledged: Math.max(0, Math.floor(i / 50) - 5),
    },
    operation: { type: "put", request: { key: keys[(i * 31) % N]!, value } },
  }),
);
t("machine.apply put (50 clients)", N, () => {
  m.apply({ index: index + 1, term: 1, kind: "command", data: datas[index++]! });
});
{
  const s = performance.now();
  const src = m.snapshot();
  let n = 0,
    c = 0;
  const chunks: Uint8Array[] = [];
  for (let x = src.next(); x; x = src.next()) {
    n += x.length;
    c++;
    chunks.push(x);
  }
  src.release();
  console.log("snapshot", (performance.now() - s).toFixed(0), "ms", n, c);
  const s2 = performance.now();
  const m2 = createKeyValueStateMachine();
  m2.restore(chunks);
  console.log(
    "restore",
    (performance.now() - s2).toFixed(0),
    "ms",
    m2.stateHash === m.stateHash,
    m2.storeBytes === m.storeBytes,
  );
}
if (process.argv[2] === "mem") {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const big = new KeyValueStore();
  for (let i = 0; i < 1_000_000; i++) big.put({ key: b(`/key/${(i * 7919) % 1000003}`), value });
  globalThis.gc?.();
  const after = process.memoryUsage();
  console.log(
    "1M keys",
    ((after.heapUsed - before.heapUsed) / 1e6).toFixed(0),
    "MB heap",
    (after.rss / 1e6).toFixed(0),
    "MB rss",
    big.keyCount,
  );
}
