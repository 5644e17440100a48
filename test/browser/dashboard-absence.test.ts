import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchChromium, openPage } from "./chromium.ts";
import { clusterOf, eventAt, fixtureNow, hello } from "./live-fixture.ts";
import { replayServer, ticking } from "./replay-server.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

const first = () => [hello, { type: "cluster", cluster: clusterOf() } as const];
const joined = (member: string) =>
  ({ type: "events", events: [eventAt(fixtureNow, "n1", { type: "memberJoined", member })] }) as const;

it("a machine that slept comes back at once from where it was, whatever its connection believes", async () => {
  const server = await replayServer({ first });
  const { page, troubles, close } = await openPage(browser, server.url);
  await page.locator('.pill[data-state="live"]').waitFor();
  server.send(joined("before"));
  await page.keyboard.press("3");
  await page.locator(".event-row", { hasText: "before joined" }).waitFor();
  // The clock on the wall has gone on; the page's time, as that of any process, has not.
  await page.evaluate("{ const real = Date.now; Date.now = () => real() + 600_000; }");
  await expect.poll(() => server.resumes.length, { timeout: 5_000 }).toBe(2);
  expect(server.resumes[1]).toMatch(/^r-\d+$/);
  await page.locator('.pill[data-state="live"]').waitFor();
  expect(troubles).toEqual([]);
  await close();
  await server.close();
});

it("a tab that is put to sleep shows all that happened meanwhile when it wakes, and that it is live", async () => {
  const server = await replayServer({ first });
  const stop = ticking(server, () => clusterOf({ at: Date.now() }));
  const { page, troubles, close } = await openPage(browser, server.url);
  await page.locator('.pill[data-state="live"]').waitFor();
  await page.keyboard.press("3");
  const devTools = await page.context().newCDPSession(page);
  await devTools.send("Page.setWebLifecycleState", { state: "frozen" });
  const before = await page.evaluate("performance.now()");
  for (let at = 0; at < 100; at++) server.send(joined(`asleep-${at}`));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await devTools.send("Page.setWebLifecycleState", { state: "active" });
  await page.locator(".event-row", { hasText: "asleep-99 joined" }).waitFor();
  await page.locator('.pill[data-state="live"]').waitFor();
  expect(await page.evaluate<number>("performance.now()")).toBeGreaterThan((before as number) + 1_000);
  expect(await page.locator("#event-count").textContent()).toContain("100 of 100 events");
  expect(troubles).toEqual([]);
  stop();
  await close();
  await server.close();
});

it("a message of which a part is none is shown without it, and the page says so", async () => {
  const server = await replayServer({ first });
  const { page, troubles, close } = await openPage(browser, server.url);
  await page.locator('.pill[data-state="live"]').waitFor();
  await page.keyboard.press("3");
  const good = JSON.stringify(joined("good").events[0]);
  server.sendRaw(`{"type":"events","events":[{"id":"x","event":{"type":"quorumLost","at":1e300}},null,${good}]}`);
  await page.locator(".event-row", { hasText: "good joined" }).waitFor();
  await page.getByText("events.events[0].event.at is not what it should be").waitFor();
  expect(await page.locator('.pill[data-state="live"]').count()).toBe(1);
  expect(troubles).toEqual([]);
  await close();
  await server.close();
});

it("a token comes to a page that is open already by its address, and leaves it", async () => {
  const server = await replayServer({ first, token: "right-token-of-16" });
  const { page, troubles, close } = await openPage(browser, server.url);
  await page.getByText("This dashboard needs a token").waitFor();
  await page.evaluate('location.hash = "#token=right-token-of-16"');
  await page.locator('.pill[data-state="live"]').waitFor();
  expect(page.url()).not.toContain("right-token");
  expect(troubles).toEqual([]);
  await close();
  await server.close();
});
