/** Three members of a replicated key-value store inside this process: the leader stops, the others go on. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMember, type Member } from "holdfast/coordination";
import { nodeRuntime, type Address } from "holdfast/runtime";

const runtime = nodeRuntime();
const directory = await mkdtemp(join(tmpdir(), "holdfast-example-"));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const names = ["a", "b", "c"];
const addresses = await Promise.all(names.map(() => freeAddress()));
const members = names.map((name, at) => ({ name, peer: addresses[at]! }));
const cluster = { name: "example", members };
const running = await Promise.all(names.map(start));

// Any member takes any request: it hands writes to the leader and answers once a majority has them on disk.
await running[0]!.put({ key: bytes("greeting"), value: bytes("hello") });
const leader = running.find((member) => member.status().role === "leader")!;
console.log(`${leader.name} leads in term ${leader.status().term}; greeting is written`);

const stoppedAt = performance.now();
await leader.close();
const [left, other] = running.filter((member) => member !== leader) as [Member, Member];
await left.put({ key: bytes("greeting"), value: bytes("hello again") });
const now = left.status().role === "leader" ? left : other;
console.log(`${leader.name} has stopped; ${now.name} leads in term ${now.status().term}`);
console.log(`the first write without ${leader.name} took ${Math.round(performance.now() - stoppedAt)} ms`);

// The same directory, so the same member: it catches up with what it has missed.
const returned = await start(leader.name);
const { pairs } = await returned.range({ key: bytes("greeting") });
console.log(`${returned.name} is back and reads: ${new TextDecoder().decode(pairs[0]?.value)}`);

for (const member of [returned, left, other]) await member.close();
await rm(directory, { recursive: true });
console.log("ok: a cluster of three lost its leader and no write");

function start(name: string): Promise<Member> {
  const { peer } = members.find((member) => member.name === name)!;
  return createMember({
    runtime,
    name,
    peer,
    cluster,
    directory: join(directory, name),
    clientUrls: [],
    httpUrls: [],
  });
}

/** A port that is free now. */
async function freeAddress(): Promise<Address> {
  const listener = await runtime.network.listen({ host: "127.0.0.1", port: 0 }, (connection) => connection.destroy());
  await listener.close();
  return listener.address;
}
