import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { LiveMessage, LiveRecording } from "holdfast/telemetry";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, openPage } from "./chromium.ts";
import { keyAnswers } from "./key-answers.ts";
import { clusterOf, faultOn, fixtureNow, hello, storyMessages, targets } from "./live-fixture.ts";
import { replayServer, ticking } from "./replay-server.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

/** What has the focus, as those are told who hear the page. */
const focused = (page: Page): Promise<string> =>
  page.evaluate<string>(`(() => {
    const at = document.activeElement;
    if (at === null || at === document.body) return "nothing";
    const labelled = at.getAttribute("aria-labelledby");
    const words = at.getAttribute("aria-label") ?? (labelled && document.getElementById(labelled)?.textContent)
      ?? (at.labels?.[0]?.textContent || at.textContent);
    return at.tagName.toLowerCase() + " " + words.trim().replaceAll(/\\s+/g, " ").slice(0, 80);
  })()`);

/** Tabs, one way or the other, until something has the focus; how else would somebody get there? */
async function tabTo(page: Page, wanted: RegExp, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  const seen: string[] = [];
  for (let pressed = 0; pressed < 120; pressed++) {
    await page.keyboard.press(key);
    const at = await focused(page);
    if (wanted.test(at)) return;
    seen.push(at);
  }
  throw new Error(`${String(wanted)} is not reached; there were ${seen.slice(0, 60).join(" | ")}`);
}

async function isFocused(page: Page, wanted: RegExp): Promise<void> {
  await expect.poll(() => focused(page), { timeout: 10_000 }).toMatch(wanted);
}

describe("without a mouse", () => {
  it("a breaker is opened and closed, a fault injected, all healed, a plan approved, an event and a key read", async () => {
    const server = await replayServer({
      first: () => storyMessages(),
      answers: {
        ...keyAnswers,
        "POST faults": () => {
          server.send({ type: "faults", faults: [faultOn("process-n2", "pause")], targets });
          return faultOn("process-n2", "pause");
        },
        "POST heal": () => {
          server.send({ type: "faults", faults: [], targets });
          return { removed: 1, stuck: 0 };
        },
        "POST plans/ex-1042/approve": () => {
          const plans = storyMessages().flatMap((message) => (message.type === "plans" ? message.plans : []));
          server.send({ type: "plans", plans: plans.map((plan) => ({ ...plan, approvals: [] })) });
          return {};
        },
      },
    });
    // All the time the page changes under the hands.
    const stop = ticking(server);
    const { page, troubles, close } = await openPage(browser, server.url);
    await page.locator('.pill[data-state="live"]').waitFor();

    await tabTo(page, /^a Services/);
    await page.keyboard.press("Enter");
    await tabTo(page, /^a payments/);
    await page.keyboard.press("Enter");
    await page.locator(".detail").waitFor();
    await isFocused(page, /^a payments/);
    await tabTo(page, /^button Close/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.locator(".detail").waitFor({ state: "detached" });
    await isFocused(page, /^a payments/);

    await tabTo(page, /^a Faults/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await tabTo(page, /^select Target/);
    await page.keyboard.type("process of n2");
    await tabTo(page, /^button Inject for 30 s/);
    await page.keyboard.press("Enter");
    await page.getByText("pause on process of n2 has begun").waitFor();
    await isFocused(page, /^button Inject for 30 s/);
    await tabTo(page, /^button Heal everything \(1\)/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByText("Healed: 1 removed", { exact: true }).waitFor();
    await isFocused(page, /^button Heal everything/);

    await tabTo(page, /^a Work/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await tabTo(page, /^input Comment/);
    await page.keyboard.type("by keys");
    await tabTo(page, /^button Approve/);
    await page.keyboard.press("Enter");
    // The button goes with what it asked for: the focus stays with the plan.
    await page.getByRole("button", { name: "Approve" }).waitFor({ state: "detached" });
    await isFocused(page, /^article Plan restore-orders-database/);
    await tabTo(page, /^button Cancel…/);
    await page.keyboard.press("Enter");
    await page.getByRole("alertdialog").waitFor();
    // Not on the button that does it.
    await isFocused(page, /^button Leave it/);
    await page.keyboard.press("Enter");
    await isFocused(page, /^button Cancel…/);

    await tabTo(page, /^a Events/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await tabTo(page, /Events, newest first/);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.locator(".card pre").waitFor();
    await tabTo(page, /^button Close/);
    await page.keyboard.press("Enter");
    await isFocused(page, /Events, newest first/);

    await tabTo(page, /^a Keys/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "orders/2", exact: true }).waitFor();
    await tabTo(page, /^button orders\/2$/);
    await page.keyboard.press("Enter");
    await page.locator(".card pre").waitFor();
    await tabTo(page, /^button Close/);
    await page.keyboard.press("Enter");
    await isFocused(page, /^button orders\/2$/);

    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await isFocused(page, /^button orders\/2$/);

    expect(server.requests.flatMap(({ path, body }) => (path.includes("/kv/") ? [] : [body]))).toEqual([
      { target: "process-n2", kind: "pause", parameters: {}, durationMs: 30_000 },
      {},
      { step: "promote-replica", approved: true, comment: "by keys" },
    ]);
    expect(troubles).toEqual([]);
    stop();
    await close();
    await server.close();
  });

  it("the focus stays where it was when what had it goes away by itself", async () => {
    const server = await replayServer({ first: () => storyMessages() });
    const stop = ticking(server);
    const { page, close } = await openPage(browser, `${server.url}#/faults`);
    await page.getByRole("button", { name: /^End now/ }).focus();
    server.send({ type: "faults", faults: [], targets });
    await isFocused(page, /^section Active faults \(0\)/);
    // Whoever has it nowhere is left alone.
    await page.mouse.click(700, 780);
    expect(await focused(page)).toBe("nothing");
    server.send({ type: "faults", faults: [faultOn("peers-n5", "partition")], targets });
    await page.getByRole("button", { name: /^End now/ }).waitFor();
    server.send({ type: "faults", faults: [], targets });
    await page.getByRole("button", { name: /^End now/ }).waitFor({ state: "detached" });
    expect(await focused(page)).toBe("nothing");
    stop();
    await close();
    await server.close();
  });

  it("a recording is opened, played and scrubbed; one without a cluster opens on what was done", async () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-keyboard-"));
    const empty = join(directory, "recording.html");
    writeFileSync(
      empty,
      readFileSync(join(import.meta.dirname, "../../packages/server/dashboard/recording.html"), "utf8"),
    );
    const drill = (verdict: "running" | "passed"): LiveMessage => ({
      type: "drills",
      drills: [{ drill: "own-service", verdict, phase: "faults", startedAt: fixtureNow, endedAt: null, measures: {} }],
    });
    const recording: LiveRecording = {
      format: "holdfast-recording",
      version: 1,
      title: "own-service",
      startedAt: fixtureNow,
      durationMs: 10_000,
      command: "holdfast drill own-service --seed 7",
      omitted: { states: 1_204, events: 0 },
      messages: [
        { atMs: 0, message: hello },
        { atMs: 0, message: drill("running") },
        { atMs: 9_000, message: drill("passed") },
      ],
    };
    const { page, troubles, close } = await openPage(browser, pathToFileURL(empty).href);
    await tabTo(page, /^input Open a recording/);
    const chosen = page.waitForEvent("filechooser");
    // By the answer to this the browser knows that somebody waits for it.
    await isFocused(page, /^input Open a recording/);
    await page.keyboard.press("Enter");
    const chooser = await chosen;
    await chooser.setFiles({
      name: "own-service.json",
      mimeType: "application/json",
      buffer: Buffer.from(JSON.stringify(recording)),
    });
    await page.getByRole("article", { name: "Drill own-service" }).waitFor();
    await page.getByText("1204 states between others").waitFor();
    await page.getByText("holdfast drill own-service --seed 7").waitFor();
    await tabTo(page, /^input Moment/);
    await page.keyboard.press("Home");
    await page.getByText("running: faults").waitFor();
    await tabTo(page, /^button Play/, "Shift+Tab");
    await page.keyboard.press("Space");
    await isFocused(page, /^button Pause/);
    await page.keyboard.press("Space");
    await tabTo(page, /^input Moment/);
    await page.keyboard.press("End");
    await page.locator('.work:has-text("passed")').waitFor();
    await page.keyboard.press("Escape");
    await tabTo(page, /^a Cluster/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByText("This run has no cluster").waitFor();
    expect(troubles).toEqual([]);
    await close();
    rmSync(directory, { recursive: true });
  });
});

describe("the live region", () => {
  it("is polite, and never says more than one thing in two seconds, however much happens", async () => {
    const server = await replayServer({ first: () => [hello, { type: "cluster", cluster: clusterOf() }] });
    const { page, close } = await openPage(browser, server.url);
    await page.locator('.pill[data-state="live"]').waitFor();
    const region = page.locator('[role="status"][aria-live="polite"]');
    await region.waitFor({ state: "attached" });
    await page.evaluate(`(() => {
      window.said = [];
      new MutationObserver(() => window.said.push(performance.now()))
        .observe(document.querySelector('[role="status"][aria-live="polite"]'), { childList: true, characterData: true, subtree: true });
    })()`);
    const leaders = ["n1", "n2", "n3", null];
    for (let turn = 0; turn < 40; turn++) {
      server.send({ type: "cluster", cluster: clusterOf({ leader: leaders[turn % 4] ?? null, term: 20 + turn }) });
      await page.evaluate("new Promise(requestAnimationFrame)");
    }
    await expect.poll(() => region.textContent(), { timeout: 5_000 }).toMatch(/term 5\d|No leader/);
    const times = await page.evaluate<number[]>("window.said");
    expect(times.length).toBeGreaterThanOrEqual(1);
    expect(times.length).toBeLessThanOrEqual(3);
    for (const [at, time] of times.entries()) if (at > 0) expect(time - times[at - 1]!).toBeGreaterThan(1_500);
    await close();
    await server.close();
  });
});
