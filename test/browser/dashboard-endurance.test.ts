import type { Browser, CDPSession, Page } from "playwright-core";
import type { LiveMessage, ServiceReport } from "holdfast/telemetry";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchChromium, openPage } from "./chromium.ts";
import { clusterOf, eventAt, factOf, fixtureNow, hello, numbersFrom, servicesOf } from "./live-fixture.ts";
import { replayServer } from "./replay-server.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

const random = numbersFrom(5);
const eventsPerSecond = 30;

/** What a cluster tells in one second, with services whose instances and policies come and go. */
function secondOf(second: number): LiveMessage[] {
  const at = fixtureNow + second * 1_000;
  const cluster = clusterOf({ at, leader: second % 60 < 30 ? "n2" : "n4", term: 14 + Math.floor(second / 30) });
  const events = Array.from({ length: eventsPerSecond }, () =>
    eventAt(at, `n${1 + Math.floor(random() * 5)}`, factOf("memberSuspect", random)),
  );
  const messages: LiveMessage[] = [
    { type: "cluster", cluster },
    { type: "events", events },
    { type: "lost", nodeId: `n${second}`, count: 1 },
  ];
  if (second % 10 === 0)
    messages.push({ type: "services", services: servicesOf(at).map((one) => renamed(one, second)) });
  return messages;
}

function renamed(report: ServiceReport, second: number): ServiceReport {
  const policies = report.policies.map((policy) => ({ ...policy, name: `${policy.name}-${Math.floor(second / 60)}` }));
  return { ...report, instance: `${report.instance}-${second}`, policies };
}

interface Weight {
  readonly heapBytes: number;
  readonly nodes: number;
  readonly listeners: number;
}

async function weigh(page: Page, devTools: CDPSession): Promise<Weight> {
  await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
  await devTools.send("HeapProfiler.collectGarbage");
  const { metrics } = await devTools.send("Performance.getMetrics");
  const value = (name: string): number => metrics.find((each) => each.name === name)!.value;
  return { heapBytes: value("JSHeapUsedSize"), nodes: value("Nodes"), listeners: value("JSEventListeners") };
}

it("an hour of a cluster's life leaves the page no heavier than half of it did", async () => {
  const server = await replayServer({ first: () => [hello, { type: "cluster", cluster: clusterOf() }] });
  const { page, troubles, close } = await openPage(browser, server.url);
  await page.locator('.pill[data-state="live"]').waitFor();
  const devTools = await page.context().newCDPSession(page);
  await devTools.send("Performance.enable");
  await page.keyboard.press("3");
  await page.locator("#event-count").waitFor();

  let second = 0;
  /** As fast as the page takes it: the next minute comes when the last one is shown. */
  async function minutes(count: number): Promise<void> {
    for (let minute = 0; minute < count; minute++) {
      const messages = Array.from({ length: 60 }, () => secondOf(++second)).flat();
      const last = eventAt(fixtureNow + second * 1_000, "n1", {
        type: "memberJoined",
        member: `minute-${second / 60}`,
      });
      server.send(...messages, { type: "events", events: [last] });
      await page
        .locator(".event-row", { hasText: `minute-${second / 60} joined` })
        .first()
        .waitFor();
      if (minute % 10 === 0) for (const key of ["1", "2", "4", "5", "6", "3"]) await page.keyboard.press(key);
    }
  }

  await minutes(30);
  const half = await weigh(page, devTools);
  await minutes(30);
  const whole = await weigh(page, devTools);
  console.log(`after half an hour ${JSON.stringify(half)}, after an hour ${JSON.stringify(whole)}`);
  expect(await page.locator("#event-count").textContent()).toContain("10\u202F000 events");
  expect(whole.heapBytes).toBeLessThan(half.heapBytes + 4_000_000);
  expect(whole.nodes).toBeLessThan(half.nodes * 1.2 + 500);
  expect(whole.listeners).toBeLessThan(half.listeners * 1.2 + 50);
  expect(troubles).toEqual([]);
  await close();
  await server.close();
});
