import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { launchChromium, openPage } from "./chromium.ts";
import { keyAnswers } from "./key-answers.ts";
import { clusterOf, eventAt, faultOn, fixtureNow, servicesOf, storyMessages, targets } from "./live-fixture.ts";
import { replayServer, ticking, type ReplayServer } from "./replay-server.ts";

let browser: Browser;
let server: ReplayServer;
let stopTicking: () => void;

beforeAll(async () => {
  browser = await launchChromium();
  server = await replayServer({ first: () => storyMessages(), answers: keyAnswers });
  stopTicking = ticking(server);
});

afterAll(async () => {
  stopTicking();
  await browser.close();
  await server.close();
});

const hash = (page: Page): string => decodeURIComponent(new URL(page.url()).hash);

describe.concurrent("the address", () => {
  it("keeps filters and what is open: over a reload, in a link, and on the way back and forth", async ({ expect }) => {
    const { page, troubles, close } = await openPage(browser, `${server.url}#/services`);
    await page.getByLabel("State").selectOption("trouble");
    await page.locator(".find").fill("orders");
    await expect.poll(() => hash(page), { timeout: 10_000 }).toBe("#/services?state=trouble&q=orders");
    const tiles = await page.locator(".tile").count();
    await page.reload();
    await page.locator(".tile").first().waitFor();
    expect(await page.locator(".tile").count()).toBe(tiles);
    expect(await page.locator(".find").inputValue()).toBe("orders");

    await page.locator(".tile a").first().click();
    await page.locator(".detail").waitFor();
    expect(hash(page)).toMatch(/^#\/services\/orders\/circuitBreaker\/\w+\?state=trouble&q=orders$/);
    await page.goBack();
    await page.locator(".detail").waitFor({ state: "detached" });
    await page.goForward();
    await page.locator(".detail").waitFor();

    await page.getByRole("navigation").getByRole("link", { name: "Events" }).click();
    await page.getByLabel("What").selectOption("trouble");
    await page.locator(".event-row").first().click();
    await page.locator(".card pre").waitFor();
    await page.getByRole("navigation").getByRole("link", { name: "Services" }).click();
    // Back in a view its filters are as they were.
    expect(await page.locator(".find").inputValue()).toBe("orders");
    await page.goBack();
    await page.locator(".card pre").waitFor();
    await page.goBack();
    await page.locator(".card pre").waitFor({ state: "detached" });
    expect(await page.getByLabel("What").inputValue()).toBe("trouble");
    expect(troubles).toEqual([]);
    await close();
  });

  it("leads to one breaker, one event, one key, and to what is not there any more", async ({ expect }) => {
    const events = storyMessages().flatMap((message) => (message.type === "events" ? message.events : []));
    const last = events.at(-1)!;
    // Ids of a fixture differ each time it is made: this one is told to all.
    const told = eventAt(fixtureNow, "n4", { type: "selfStalled", lagMs: 4_321 });
    const links: readonly (readonly [string, string, string])[] = [
      ["services/orders/circuitBreaker/payments", ".detail", "minimumCalls"],
      [`keys?prefix=orders/&key=${encodeURIComponent(btoa("orders/2"))}`, ".card pre", ""],
      [`keys?key=${encodeURIComponent("no base64")}`, '[role="alert"]', ""],
      ["services/gone/retry/x", ".empty", "not reported any more"],
      [`events?event=${encodeURIComponent(`${last.id}-other`)}`, ".card", "is not here"],
    ];
    const { page, troubles, close } = await openPage(browser, server.url);
    for (const [link, place, words] of links) {
      await page.goto(`${server.url}#/${link}`);
      await page.locator(place).filter({ hasText: words }).first().waitFor();
    }
    await page.goto(`${server.url}#/events`);
    server.send({ type: "events", events: [eventAt(fixtureNow + 9, "n4", { type: "selfStalled", lagMs: 1_234 })] });
    await page.locator('.event-row:has-text("1.2 s")').click();
    const own = page.url();
    await page.getByRole("button", { name: "Go live" }).click();
    server.send({ type: "events", events: [told] });
    await page.goto(`${server.url}#/events?event=${encodeURIComponent(told.id)}`);
    await page.locator('.card:has-text("4.3 s")').waitFor();
    expect(own).toContain("event=n4");
    expect(troubles).toEqual([]);
    await close();
  });
});

describe.concurrent("without a cluster", () => {
  it("the page opens on what is done, and says that there is none", async ({ expect }) => {
    const alone = await replayServer({
      first: () =>
        storyMessages().map((message) =>
          message.type === "cluster"
            ? { ...message, cluster: { ...message.cluster, leader: null, members: [] } }
            : message,
        ),
    });
    const { page, troubles, close } = await openPage(browser, alone.url);
    await page.getByRole("article", { name: "Drill disk-full" }).waitFor();
    expect(hash(page)).toBe("#/work");
    await page.getByRole("navigation").getByRole("link", { name: "Cluster" }).click();
    await page.getByText("There is no cluster here").waitFor();
    await page.locator("main").getByRole("link", { name: "Events" }).click();
    await page.locator(".event-row").first().waitFor();
    expect(troubles).toEqual([]);
    await close();
    await alone.close();
  });
});

describe.concurrent("behind a reverse proxy", () => {
  it("below any path everything works: the page, its stream, what it asks for, and links", async ({ expect }) => {
    const below = await replayServer({
      prefix: "/ops/holdfast",
      first: () => storyMessages(),
      answers: {
        ...keyAnswers,
        "POST heal": () => ({ removed: 1, stuck: 0 }),
        "POST /v3/kv/range": keyAnswers["POST /v3/kv/range"]!,
      },
    });
    const stop = ticking(below);
    const { page, troubles, close } = await openPage(browser, `${below.url}#/keys`);
    await page.locator('.pill[data-state="live"]').waitFor();
    await page.getByRole("button", { name: "orders/2", exact: true }).click();
    await page.locator(".card pre").waitFor();
    await page.getByRole("button", { name: /^Heal everything/ }).click();
    await page.getByText("Healed: 1 removed", { exact: true }).waitFor();
    await page.getByRole("navigation").getByRole("link", { name: "Cluster" }).click();
    await page.locator(".summary").waitFor();
    expect(page.url()).toMatch(/\/ops\/holdfast\/dashboard\/#\/cluster$/);
    expect(troubles).toEqual([]);
    stop();
    await close();
    await below.close();
  });
});

describe.concurrent("a pause", () => {
  it("makes every view stand still, says so, counts what is new, and leaves faults as they are", async ({ expect }) => {
    let term = 14;
    let isTroubled = true;
    const own = await replayServer({ first: () => storyMessages() });
    const stop = ticking(own, () => clusterOf({ at: fixtureNow, term }));
    const timer = setInterval(() => own.send({ type: "services", services: servicesOf(fixtureNow, isTroubled) }), 200);
    const { page, troubles, close } = await openPage(browser, own.url);
    const termIs = (shown: number) => page.locator(`.summary .fact:has-text("Term"):has-text("${shown}")`).waitFor();
    await termIs(14);
    await page.keyboard.press("p");
    await page.getByText(/Paused at .*; 0 new events since/).waitFor();
    term = 99;
    isTroubled = false;
    own.send({ type: "events", events: [eventAt(fixtureNow + 5, "n4", { type: "quorumLost", term: 15 })] });
    await page.getByText(/; 1 new event since/).waitFor();
    own.send({
      type: "faults",
      faults: [faultOn("peers-n5", "partition"), { ...faultOn("peers-n1", "delay"), id: "d" }],
      targets,
    });
    await page.getByRole("button", { name: "Heal everything (2)" }).waitFor();
    await termIs(14);
    await page.keyboard.press("2");
    await page.locator('.tile.bad:has-text("payments"):has-text("open on 2 of 3")').waitFor();
    await page.keyboard.press("3");
    expect(await page.locator('.event-row:has-text("lost the quorum")').count()).toBe(0);
    await page.getByText("Paused; 1 new").waitFor();
    // Leaving a view ends only a pause that was there for reading.
    await page.keyboard.press("1");
    await page.getByText(/Paused at/).waitFor();
    await page.getByRole("button", { name: "Go live" }).click();
    await termIs(99);
    await page.keyboard.press("2");
    await page.locator('.tile:has-text("payments"):has-text("closed")').waitFor();
    await page.keyboard.press("3");
    await page.locator('.event-row:has-text("lost the quorum")').click();
    await page.getByText("Paused; 0 new").waitFor();
    await page.keyboard.press("1");
    await page.getByRole("button", { name: "Pause", exact: true }).waitFor();
    expect(troubles).toEqual([]);
    clearInterval(timer);
    stop();
    await close();
    await own.close();
  });
});
