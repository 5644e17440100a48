/** A lock whose holder is silenced: it is told to stop, the next one goes on, and a late write is turned away. */
import { createGuard, createMemoryMember, fencedTxn, lock, openSession } from "holdfast/coordination";

// Any home will do: a member of an embedded cluster, or an etcd.
const member = createMemoryMember();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

// What the lock protects: a journal in this process, behind a guard, and a key in the store itself.
const lines: string[] = [];
const journal = createGuard(lines);
const total = (value: string) => ({
  compare: [],
  success: [{ type: "put", request: { key: bytes("total"), value: bytes(value) } }] as const,
  failure: [],
});

const first = await openSession(member, { ttlSeconds: 2 });
const second = await openSession(member, { ttlSeconds: 2 });

const held = await lock(first, "orders").acquire();
journal.use(held.token, (file) => file.push("one"));
await fencedTxn(member, held, total("1"));
console.log("the first holds the lock, with a token of its own");

// From here on nothing is heard of the first, as if its process stood still.
first.detach();
const next = await lock(second, "orders").acquire({ timeoutMs: 10_000 });
console.log(`the second got the lock when the first's lease ran out; its token is greater: ${next.token > held.token}`);
journal.use(next.token, (file) => file.push("two"));
await fencedTxn(member, next, total("2"));

let refused = 0;
const refuse = (error: unknown): void => {
  refused++;
  console.log(`the first writes late, and is told: ${(error as Error).message}`);
};
try {
  journal.use(held.token, (file) => file.push("too late"));
} catch (error) {
  refuse(error);
}
await fencedTxn(member, held, total("too late")).catch(refuse);

await next.release();
await second.close();
await member.close();
console.log(`ok: ${lines.length} writes under the lock, ${refused} late ones refused`);
