import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accessibilityViolations, launchChromium, openPage } from "./chromium.ts";
import { hello, storyMessages } from "./live-fixture.ts";
import { keyAnswers } from "./key-answers.ts";
import { replayServer, ticking, type ReplayServer } from "./replay-server.ts";

const views = ["cluster", "services", "events", "keys", "work", "faults"] as const;

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

async function show(page: Page, view: string): Promise<void> {
  await page.evaluate(`location.hash = "#/${view}"`);
  await page.locator(`h1:text-is("${(view[0] ?? "").toUpperCase()}${view.slice(1)}")`).waitFor({ state: "attached" });
}

describe.each(["light", "dark"] as const)("in the %s", { concurrent: true }, (scheme) => {
  it("every view passes the accessibility check, with nothing forbidden, failed or fetched from elsewhere", async () => {
    const { page, troubles, close } = await openPage(browser, server.url, { scheme, reducedMotion: true });
    await page.locator('.pill[data-state="live"]').waitFor();
    const found: Record<string, string[]> = {};
    const check = async (name: string): Promise<void> => {
      found[name] = await accessibilityViolations(page);
    };
    for (const view of views) {
      await show(page, view);
      await check(view);
    }
    await show(page, "services");
    await page.locator(".tile a").first().click();
    await page.locator(".detail").waitFor();
    await check("a policy");
    await show(page, "events");
    await page.locator(".event-row").nth(2).click();
    await page.locator("pre").waitFor();
    await check("an event");
    await show(page, "keys");
    await page.getByRole("button", { name: "orders/2", exact: true }).click();
    await page.locator("pre").waitFor();
    await check("a key");
    await page.keyboard.press("Escape");
    await page.locator("body").press("?");
    await page.getByRole("dialog").waitFor();
    await check("help");
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    await show(page, "cluster");
    await page.locator(".chart-table summary").first().click();
    await page.locator(".chart-table tbody tr").first().waitFor();
    await check("paused, with a chart's table");
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((name) => [name, []])));
    expect(Object.keys(found)).toHaveLength(11);
    expect(troubles).toEqual([]);
    await close();
  });

  it("the picture for the README is taken", async () => {
    const { page, close } = await openPage(browser, server.url, { scheme, width: 1360, height: 900 });
    await page.locator('.pill[data-state="live"]').waitFor();
    await page.locator(".chart canvas").first().waitFor();
    const keep = process.env["HOLDFAST_SCREENSHOTS"] === "keep";
    const directory = keep
      ? join(import.meta.dirname, "../../docs/images")
      : mkdtempSync(join(tmpdir(), "holdfast-images-"));
    mkdirSync(directory, { recursive: true });
    const path = join(directory, `dashboard-${scheme}.png`);
    await page.screenshot({ path, animations: "disabled" });
    // A blank page makes a file of a few kilobytes.
    expect(statSync(path).size).toBeGreaterThan(40_000);
    expect(readFileSync(path).subarray(1, 4).toString()).toBe("PNG");
    if (!keep) rmSync(directory, { recursive: true });
    await close();
  });
});

describe("the page", () => {
  it("is used with the keyboard alone", async () => {
    const { page, close } = await openPage(browser, server.url);
    await page.locator('.pill[data-state="live"]').waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("content");
    await page.keyboard.press("3");
    await page.locator(".event-list").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("breaker");
    await page.locator('#event-count:has-text("1 of ")').waitFor();
    await page.locator(".event-list").focus();
    await page.keyboard.press("ArrowDown");
    await page.locator('pre:has-text("breakerOpened")').waitFor();
    expect(await page.locator('[aria-selected="true"]').count()).toBe(1);
    // In a field a key is a letter.
    await page.locator(".find").focus();
    await page.keyboard.press("1");
    expect(new URL(page.url()).hash).toMatch(/^#\/events\?/);
    await close();
  });

  it("has the theme that was chosen, also after it is loaded again", async () => {
    const { page, close } = await openPage(browser, server.url, { scheme: "light" });
    await page.locator('.pill[data-state="live"]').waitFor();
    const surface = "getComputedStyle(document.body).backgroundColor";
    const light = await page.evaluate(surface);
    await page.keyboard.press("t");
    await page.keyboard.press("t");
    await expect.poll(() => page.evaluate(surface)).not.toBe(light);
    await page.reload();
    await page.locator('.pill[data-state="live"]').waitFor();
    expect(await page.evaluate(surface)).not.toBe(light);
    await close();
  });

  it("offers nothing that changes anything where it is read only", async () => {
    const allows = { faults: false, plans: false, keys: false };
    const quiet = await replayServer({
      first: () => storyMessages().map((message) => (message.type === "hello" ? { ...hello, allows } : message)),
    });
    const stop = ticking(quiet);
    const { page, close } = await openPage(browser, quiet.url);
    await page.locator('.pill[data-state="live"]').waitFor();
    expect(await page.getByRole("button", { name: "Heal everything" }).isDisabled()).toBe(true);
    await show(page, "faults");
    await page.getByText("This dashboard is read only").waitFor();
    expect(await page.getByRole("button", { name: /^(?:Inject|End now)/ }).count()).toBe(0);
    await show(page, "work");
    await page.getByText("waits for somebody to approve it").waitFor();
    expect(await page.getByRole("button", { name: /^(?:Approve|Refuse|Cancel)/ }).count()).toBe(0);
    await show(page, "keys");
    await page.getByText("not allowed to show keys").waitFor();
    expect(quiet.requests).toEqual([]);
    await close();
    stop();
    await quiet.close();
  });
});
