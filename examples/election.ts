/** Three candidates, one leader at a time; a registry that lists who is alive; a counter that misses no run. */
import { counter, createMemoryMember, election, openSession, serviceRegistry } from "holdfast/coordination";

// Any home will do: a member of an embedded cluster, or an etcd.
const member = createMemoryMember();
const registry = serviceRegistry(member);
const watching = await openSession(member, { ttlSeconds: 5 });
const terms: string[] = [];

async function runNode(name: string): Promise<void> {
  const session = await openSession(member, { ttlSeconds: 5 });
  await registry.register(session, "billing", { id: name, address: `${name}.internal:8080` });
  const leadership = await election(session, "billing").campaign(name);
  await untilSeen(name);
  const alive = (await registry.list("billing")).map(({ id }) => id);
  console.log(`${name} leads, with ${alive.join(", ")} alive, and bills run ${await counter(session, "runs").add()}`);
  terms.push(name);
  // Lets the next one lead, and leaves the registry.
  await leadership.resign();
  await session.close();
}

/** From outside. */
async function untilSeen(name: string): Promise<void> {
  for await (const leader of election(watching, "billing").observe()) if (leader?.value === name) return;
}

await Promise.all(["a", "b", "c"].map(runNode));
console.log(`nobody leads now: ${(await election(watching, "billing").leader()) === undefined}`);
const runs = await counter(watching, "runs").get();
await watching.close();
await member.close();
console.log(`ok: ${new Set(terms).size} leaders, one after the other, ${runs} runs`);
