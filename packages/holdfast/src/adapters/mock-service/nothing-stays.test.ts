import { expect, it } from "vitest";
import { faultRegistry } from "../../proof/index.ts";
import { seededRandom } from "../../runtime/index.ts";
import { systemClock } from "../../runtime/system.ts";
import { mockFaultKinds, mockService, type MockFaultKind } from "./index.ts";

const needed: Partial<Record<MockFaultKind, Record<string, number>>> = {
  latency: { delayMs: 5 },
  rateLimit: { requests: 0 },
  slowBody: { bytesPerSecond: 100 },
};

it("whatever begins and ends in whatever order: in the end every request is answered as if nothing had been", async () => {
  const random = seededRandom(5);
  await using service = await mockService({
    seed: 5,
    routes: [{ path: "/a", answer: { json: { a: "b".repeat(50) } } }],
  });
  await using registry = faultRegistry({ clock: systemClock, targets: [service] });
  const struck = new Set<string>();
  const calls: Promise<unknown>[] = [];
  for (let step = 0; step < 60; step++) {
    const kind = mockFaultKinds[random.integer(0, mockFaultKinds.length - 1)]!;
    const parameters = { ...needed[kind], ...(kind === "down" ? {} : { ratio: 0.5 }) };
    await registry.inject({ target: "mock", kind, parameters, durationMs: 60_000 });
    for (let call = random.integer(0, 3); call > 0; call--) {
      const before = service.received().count;
      const arrived = new AbortController();
      const failed = fetch(`${service.url}/a`)
        .then((response) => response.text())
        .catch(() => arrived.abort());
      calls.push(failed);
      // Nobody comes in where nobody listens.
      await service.journal.waitFor({}, { count: before + 1, signal: arrived.signal }).catch(() => undefined);
    }
    for (const { id } of registry.faults) {
      if (random.next() < 0.3) {
        const last = await registry.remove(id);
        if ((last.struck ?? 0) > 0) struck.add(last.kind);
      }
    }
  }
  const { removed, stuck } = await registry.healAll();
  for (const last of removed) if ((last.struck ?? 0) > 0) struck.add(last.kind);
  expect([stuck, service.faults]).toEqual([[], []]);
  // Also what hung: it has its answer, or the connection broke.
  await Promise.all(calls);
  await service.journal.waitFor(({ outcome }) => outcome !== "pending", { count: service.journal.entries.length });
  for (let call = 0; call < 20; call++) {
    const response = await fetch(`${service.url}/a`);
    expect([response.status, await response.json()]).toEqual([200, { a: "b".repeat(50) }]);
  }
  expect(struck.size).toBeGreaterThan(8);
});
