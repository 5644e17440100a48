import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { renderRecording, type LiveMessage, type LiveRecording } from "holdfast/telemetry";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { accessibilityViolations, launchChromium, openPage } from "./chromium.ts";
import { recordSimulation } from "../simulation/run-recording.ts";
import { clusterOf, fixtureNow, hello, storyMessages } from "./live-fixture.ts";

const template = readFileSync(join(import.meta.dirname, "../../packages/server/dashboard/recording.html"), "utf8");
const directory = mkdtempSync(join(tmpdir(), "holdfast-recording-"));

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  rmSync(directory, { recursive: true });
});

/** A minute in which the leader changes after twenty seconds. */
const recording: LiveRecording = {
  format: "holdfast-recording",
  version: 1,
  title: "leader-kill <seed 7>",
  startedAt: fixtureNow,
  durationMs: 60_000,
  messages: [
    ...storyMessages().filter(({ type }) => type !== "cluster"),
    ...Array.from({ length: 61 }, (_, second): LiveMessage => {
      const at = fixtureNow + second * 1_000;
      return {
        type: "cluster",
        cluster: clusterOf({ at, leader: second < 20 ? "n2" : "n4", term: second < 20 ? 14 : 15 }),
      };
    }),
  ].map((message) => ({ atMs: message.type === "cluster" ? message.cluster.at - fixtureNow : 0, message })),
};

function written(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return pathToFileURL(path).href;
}

it("one file opens by itself: the same views, and any moment of it", async () => {
  const { page, troubles, close } = await openPage(
    browser,
    written("whole.html", renderRecording(template, recording)),
  );
  await page.getByText("leader-kill <seed 7>").waitFor();
  await page.locator('.pill[data-state="recording"]').waitFor();
  const leader = page.locator(".summary .fact").first();
  expect(await leader.textContent()).toContain("n4");
  await page.getByLabel("Moment").fill("10000");
  await expect.poll(() => leader.textContent()).toContain("n2");
  await page.getByLabel("Speed").selectOption("64×");
  await page.getByRole("button", { name: "Play" }).click();
  await expect.poll(() => leader.textContent(), { timeout: 10_000 }).toContain("n4");
  expect(await accessibilityViolations(page)).toEqual([]);
  await page.keyboard.press("3");
  await page.locator(".event-row").first().waitFor();
  await page.keyboard.press("6");
  await page.getByText("This is a recording: nothing can be injected.").waitFor();
  expect(await page.getByRole("button", { name: "Heal everything" }).count()).toBe(0);
  expect(troubles).toEqual([]);
  await close();
});

it("a simulated run opens as any other: its verdict, its faults, its members", async () => {
  const { recording: simulated } = await recordSimulation({ seed: 42 });
  const { page, troubles, close } = await openPage(
    browser,
    written("simulated.html", renderRecording(template, simulated)),
  );
  await page.getByText("simulation of seed 42").first().waitFor();
  await page.getByText("npm run simulate -- --seed 42").waitFor();
  await page.locator('.pill[data-state="recording"]').waitFor();
  const views = page.getByRole("navigation");
  expect(await page.locator(".summary .fact").first().textContent()).toContain("n1");
  await views.getByRole("link", { name: "Events" }).click();
  await page.locator(".event-row", { hasText: "seed 42 passed after" }).first().waitFor();
  await views.getByRole("link", { name: "Work" }).click();
  await page.getByText("passed").first().waitFor();
  await page.getByLabel("Moment").fill("700");
  await page.getByText("running: load and faults").waitFor();
  await views.getByRole("link", { name: "Cluster" }).click();
  await expect.poll(() => page.locator("main").textContent()).toContain("stopped");
  expect(await page.getByText("cannot be shown").count()).toBe(0);
  expect(troubles).toEqual([]);
  await close();
});

it("a file that is cut short shows what it has, and says so", async () => {
  const text = renderRecording(template, recording);
  const cut = text.indexOf('"atMs":30000');
  const { page, close } = await openPage(browser, written("cut.html", text.slice(0, cut)));
  await page.getByText("The recording is cut short").waitFor();
  await page.locator('.summary:has-text("n4")').waitFor();
  await close();
});

it.concurrent.each([
  [
    "of another version",
    renderRecording(template, { ...recording, version: 2 as 1 }),
    "The recording has version 2 of the format",
  ],
  [
    "cut in its first line",
    renderRecording(template, recording).split('"title"')[0] ?? "",
    "The recording cannot be read",
  ],
  ["that has none", template, "There is no recording in this page"],
  [
    "with nothing that can be shown",
    renderRecording(template, { ...recording, messages: [] }),
    "has no message that could be shown",
  ],
])("a file %s says so, and takes another", async (name, text, said) => {
  const { page, troubles, close } = await openPage(browser, written(`${name.replaceAll(" ", "-")}.html`, text));
  await page.getByText(said).waitFor();
  const again = {
    name: "r.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify({ ...recording, messages: [{ atMs: 0, message: hello }] })),
  };
  await page.locator('input[type="file"]').setInputFiles(again);
  await page.locator('.pill[data-state="recording"]').waitFor();
  expect(troubles).toEqual([]);
  await close();
});
