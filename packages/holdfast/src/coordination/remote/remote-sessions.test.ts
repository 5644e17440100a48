import { expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { RemoteSessions, type NamedRequest } from "./remote-sessions.ts";

function sessions(revision: () => Promise<number> = () => Promise.resolve(7)): RemoteSessions {
  return new RemoteSessions(seededRandom(1), revision);
}

it("names every request of many another way, in one session, as of the revision it began at", async () => {
  const names = sessions();
  const begun = await Promise.all(Array.from({ length: 200 }, async () => names.begin()));
  expect(new Set(begun.map(({ identity }) => identity.sequence)).size).toBe(200);
  expect(new Set(begun.map(({ identity }) => identity.client)).size).toBe(1);
  expect(begun.every(({ identity }) => identity.since === 7)).toBe(true);
});

it("begins another session while a slow request holds one open, and comes back to it", async () => {
  const names = sessions();
  const slow = await names.begin();
  const others: NamedRequest[] = [];
  for (let at = 0; at < 400; at++) {
    const next = await names.begin();
    next.session.end(next.identity);
    others.push(next);
  }
  const clients = new Set(others.map(({ identity }) => identity.client));
  expect([clients.size, clients.has(slow.identity.client)]).toEqual([2, true]);
  for (const { identity } of others) expect(identity.sequence - identity.acknowledged).toBeLessThanOrEqual(256);
  slow.session.end(slow.identity);
  names.drop(others.at(-1)!.session);
  const again = names.begin();
  expect(again).toBeInstanceOf(Promise);
  expect((await again).identity.client).not.toBe(others.at(-1)!.identity.client);
});

it("asks for the revision again when it was not told", async () => {
  let asked = 0;
  const names = sessions(async () => {
    if (++asked === 1) throw new Error("nobody there");
    return 9;
  });
  const first = await Promise.allSettled([names.begin(), names.begin()]);
  expect(first.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect((await names.begin()).identity.since).toBe(9);
  expect(asked).toBe(2);
});
