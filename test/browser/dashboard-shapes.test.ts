import type { LiveMessage } from "holdfast/telemetry";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { accessibilityViolations, launchChromium, openPage } from "./chromium.ts";
import { clusterOf, crowdMessages, eventAt, fixtureNow, hello, servicesOf, storyMessages } from "./live-fixture.ts";
import { manyPolicies, oddKeyAnswers, oddMessages } from "./odd-fixture.ts";
import { replayServer, ticking } from "./replay-server.ts";

const views = ["cluster", "services", "events", "keys", "work", "faults"] as const;

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

async function show(page: Page, view: string): Promise<void> {
  await page.evaluate(`location.hash = "#/${view}"`);
  await page.locator(`h1:text-is("${(view[0] ?? "").toUpperCase()}${view.slice(1)}")`).waitFor({ state: "attached" });
}

/** What sticks out of the page at its sides, or is a text that is cut off with no way to see the rest. */
const sticksOut = (page: Page): Promise<string[]> =>
  page.evaluate<string[]>(`(() => {
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide) return [];
    return [...document.querySelectorAll("body *")]
      .filter((each) => each.getBoundingClientRect().right > wide + 1 && !each.closest(".scroll, pre, .event-list"))
      .slice(-5).map((each) => each.tagName + "." + each.className + " " + each.textContent.slice(0, 40));
  })()`);

describe.concurrent("names of two hundred signs, and from right to left", () => {
  it.for([
    [1440, 900],
    [1024, 700],
    [390, 800],
  ] as const)("fit at %i × %i", async ([width, height], { expect }) => {
    const server = await replayServer({ first: oddMessages, answers: oddKeyAnswers });
    const { page, troubles, close } = await openPage(browser, server.url, { width, height });
    await page.locator('.pill[data-state="live"]').waitFor();
    for (const view of views) {
      await show(page, view);
      expect(await sticksOut(page), view).toEqual([]);
    }
    await show(page, "services");
    await page.locator(".tile a").first().click();
    await page.locator(".detail").waitFor();
    expect(await sticksOut(page), "a policy").toEqual([]);
    await show(page, "events");
    await page.locator(".event-row").first().click();
    await page.locator(".card pre").waitFor();
    expect(await sticksOut(page), "an event").toEqual([]);
    await show(page, "keys");
    // A key that turns the line around does not look like another.
    await page.getByRole("button", { name: String.raw`abc\u202egpj.exe` }).waitFor();
    await page.getByRole("button", { name: "0x00ff01fe" }).click();
    await page.locator('.card pre:has-text("00 ff 01 fe")').waitFor();
    await page.getByRole("button", { name: "big", exact: true }).click();
    await page.getByText("1.0 MiB").waitFor();
    expect(await page.evaluate<number>("document.querySelector('.card pre').textContent.length")).toBeLessThan(300_000);
    expect(await sticksOut(page), "a key").toEqual([]);
    expect(troubles).toEqual([]);
    await close();
    await server.close();
  });
});

describe.concurrent("little room", () => {
  it.for([
    ["320 px, or 400 % of 1280", 320, 640],
    ["200 % of 1280 × 720", 640, 360],
  ] as const)("%s: nothing sticks out or is lost", async ([, width, height], { expect }) => {
    const server = await replayServer({ first: () => storyMessages(), answers: oddKeyAnswers });
    const { page, close } = await openPage(browser, server.url, { width, height });
    await page.locator('.pill[data-state="live"]').waitFor();
    for (const view of views) {
      await show(page, view);
      expect(await sticksOut(page), view).toEqual([]);
      for (const name of ["Heal everything (1)", "Pause", "Help and shortcuts"])
        expect(await page.getByRole("button", { name, exact: true }).isVisible(), `${name} in ${view}`).toBe(true);
    }
    // What is tabbed to is not under something that stays in place.
    await show(page, "work");
    await page.getByRole("button", { name: "Refuse" }).focus();
    const isSeen = `(() => {
      const at = document.activeElement.getBoundingClientRect();
      return document.activeElement.contains(document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2));
    })()`;
    expect(await page.evaluate<boolean>(isSeen)).toBe(true);
    await close();
    await server.close();
  });
});

describe.concurrent("how much there is", () => {
  it("of members: one, three, seven, fifty; of policies two hundred; of services none", async ({ expect }) => {
    const messages: LiveMessage[] = [hello, { type: "cluster", cluster: clusterOf({ members: 1, leader: "n1" }) }];
    const server = await replayServer({ first: () => messages });
    const { page, troubles, close } = await openPage(browser, server.url, { width: 1024, height: 700 });
    for (const members of [1, 3, 7, 50]) {
      server.send({ type: "cluster", cluster: clusterOf({ members, leader: "n1" }) });
      await page.getByRole("heading", { name: `Members (${members})` }).waitFor();
      expect(await page.locator(".picture .node").count()).toBe(members);
      // No member lies over another, nor beyond the picture.
      const overlaps = await page.evaluate<number>(`(() => {
        const frame = document.querySelector(".picture").getBoundingClientRect();
        const boxes = [...document.querySelectorAll(".picture .body")].map((each) => each.getBoundingClientRect());
        const over = boxes.filter((a, at) => boxes.some((b, other) => other > at
          && Math.hypot(a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2) < (a.width + b.width) / 2 - 1));
        return over.length + boxes.filter((a) => a.left < frame.left || a.right > frame.right).length;
      })()`);
      expect(overlaps, `${members} members`).toBe(0);
      expect(await sticksOut(page)).toEqual([]);
    }
    await show(page, "services");
    await page.getByText("No service reports here").waitFor();
    await page.locator('pre:has-text("instrumentService")').waitFor();
    server.send(...manyPolicies(200));
    await page.getByText("200 of 200 policies").waitFor();
    expect(await page.locator(".tile").count()).toBe(120);
    await page.getByRole("button", { name: "Show 80 more" }).click();
    await page.locator(".tile").nth(199).waitFor();
    expect(troubles).toEqual([]);
    await close();
    await server.close();
  });
});

describe.concurrent("with colours of somebody's own", () => {
  it("states, what is chosen, and what is drawn can be told apart", async ({ expect }) => {
    const server = await replayServer({ first: () => storyMessages() });
    const stop = ticking(server);
    const { page, troubles, close } = await openPage(browser, server.url, { forcedColours: true, reducedMotion: true });
    await page.locator('.pill[data-state="live"]').waitFor();
    const style = (selector: string, property: string): Promise<string> =>
      page.evaluate<string>(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).${property}`);
    const canvas = await style("body", "backgroundColor");
    for (const [selector, property] of [
      [".node .body", "stroke"],
      [".link.cut line", "stroke"],
      [".link.cut .mark", "stroke"],
      [".node text", "fill"],
    ] as const) {
      // In the colour that somebody has chosen for texts, not in one of the page's own.
      expect(await style(selector, property), `${selector} ${property}`).toBe(await style("body", "color"));
    }
    expect(await style("body", "color")).not.toBe(canvas);
    expect(await style("button.primary", "color")).not.toBe(await style("button.primary", "backgroundColor"));
    // Fills are not seen: state is in strokes and words.
    expect(await style(".page-head nav a[aria-current]", "outlineStyle")).toBe("solid");
    expect(await accessibilityViolations(page)).toEqual([]);
    await show(page, "events");
    await page.locator(".event-row").nth(1).click();
    expect(await style('.event-row[aria-selected="true"]', "outlineStyle")).toBe("solid");
    expect(await page.evaluate<number>("document.getAnimations().length")).toBe(0);
    expect(troubles).toEqual([]);
    stop();
    await close();
    await server.close();
  });
});

describe.concurrent("nothing jumps", () => {
  it.for(["cluster", "services", "events"] as const)(
    "%s: what stands there stays in its place over twenty seconds of live updates",
    async (view, { expect }) => {
      const server = await replayServer({ first: () => storyMessages() });
      const { page, close } = await openPage(browser, `${server.url}#/${view}`, { width: 1440, height: 900 });
      await page
        .locator(view === "events" ? ".event-row" : view === "services" ? ".tile" : ".summary")
        .first()
        .waitFor();
      await page.evaluate(`(() => {
        window.shifts = [];
        new PerformanceObserver((list) => {
          for (const { value, hadRecentInput, sources } of list.getEntries())
            if (!hadRecentInput) window.shifts.push([value, sources.map(({ node }) => (node?.className || node?.nodeName) + " " + (node?.textContent ?? "").slice(0, 30))]);
        }).observe({ type: "layout-shift" });
      })()`);
      // Twenty seconds of a cluster's life, each with a tick of its own, told as fast as the page draws them.
      // A policy that gets better or worse does change its place: that is what its place is for.
      const isWaving = view === "services";
      for (let tick = 1; tick <= 80; tick++) {
        const at = fixtureNow + tick * 250;
        const isBad = tick > 30 && tick < 60;
        server.send({
          type: "cluster",
          cluster: clusterOf({ at, leader: isBad ? "n4" : "n2", term: isBad ? 15 : 14, stopped: isBad ? ["n2"] : [] }),
        });
        if (tick % 4 === 0) server.send({ type: "services", services: servicesOf(at, isWaving || isBad) });
        if (tick % 8 === 0)
          server.send({ type: "events", events: [eventAt(at, "n3", { type: "selfStalled", lagMs: tick })] });
        await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
      }
      const shifts = await page.evaluate<[number, string[]][]>("window.shifts");
      const total = shifts.reduce((sum, [value]) => sum + value, 0);
      const worst = shifts.toSorted((a, b) => b[0] - a[0]).slice(0, 4);
      console.log(`${view}: layout shift ${total.toFixed(4)} in ${shifts.length}`);
      expect(total, JSON.stringify(worst)).toBeLessThan(0.1);
      await close();
      await server.close();
    },
  );
});

describe.concurrent("a crowd", () => {
  it("of a hundred members passes the accessibility check", async ({ expect }) => {
    const server = await replayServer({ first: () => crowdMessages(fixtureNow, 300) });
    const { page, close } = await openPage(browser, server.url, { scheme: "dark", reducedMotion: true });
    await page.locator('.summary:has-text("stopped: n17")').waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    await close();
    await server.close();
  });
});
