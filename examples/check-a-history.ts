/** What clients saw, written down and checked: is there one order of all operations that explains every answer? */
import { createMemoryMember } from "holdfast/coordination";
import { checkLinearizable, formatHistory, historyRecorder, keyValue, parseHistory } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";

const { clock } = nodeRuntime();
const member = createMemoryMember();
const recorder = historyRecorder(clock);
const key = new TextEncoder().encode("x");

/** One client: it waits for each answer before the next request. */
async function client(number: number): Promise<void> {
  const process = recorder.process();
  for (let count = 1; count <= 20; count++) {
    const value = `${number}.${count}`;
    const put = process.invoke({ f: "put", key: "x", value });
    await member.put({ key, value: new TextEncoder().encode(value) });
    put.ok();
    const get = process.invoke({ f: "get", key: "x" });
    const { pairs } = await member.range({ key });
    get.ok(pairs[0] === undefined ? null : new TextDecoder().decode(pairs[0].value));
  }
}

await Promise.all([client(1), client(2), client(3)]);
await member.close();
const recorded = checkLinearizable(keyValue(), parseHistory(formatHistory(recorder.events)));
console.log(`recorded: ${recorded.verdict}, ${recorded.explanation}`);

// The first client was told that its write is done; the second one, who asks after that, still reads nothing.
const stale = parseHistory(`\
{"process":0,"type":"invoke","f":"put","key":"x","value":"new","timeNs":1000000}
{"process":0,"type":"ok","f":"put","key":"x","value":null,"timeNs":2000000}
{"process":1,"type":"invoke","f":"get","key":"x","value":null,"timeNs":3000000}
{"process":1,"type":"ok","f":"get","key":"x","value":null,"timeNs":4000000}
`);
const refused = checkLinearizable(keyValue(), stale);
console.log(`stale read: ${refused.verdict}, ${refused.explanation}`);

if (recorded.verdict !== "ok" || refused.verdict !== "violation") process.exitCode = 1;
else console.log(`ok: ${recorded.operations} operations have an order, the stale read has none`);
