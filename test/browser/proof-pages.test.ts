import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { drillHtml, type DrillReport } from "holdfast/proof";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, temporaryDirectory } from "../process/holdfast-command.ts";
import { accessibilityViolations, launchChromium, openPage } from "./chromium.ts";

const directory = temporaryDirectory();

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  directory.remove();
});

/** Two clients, one register; the last read sees what was overwritten. */
const history = [
  [0, "invoke", "write", 1, 10],
  [0, "ok", "write", 1, 20],
  [1, "invoke", "write", 2, 30],
  [1, "ok", "write", 2, 40],
  [2, "invoke", "write", 3, 42],
  [2, "info", "write", 3, 48],
  [0, "invoke", "read", null, 50],
  [0, "ok", "read", 1, 60],
]
  .map(([process, type, f, value, timeNs]) =>
    JSON.stringify({ process, type, f, value, timeNs: Number(timeNs) * 1_000_000 }),
  )
  .join("\n");

const report: DrillReport = {
  drill: "leader-kill",
  summary: "Kills the leader under load",
  verdict: "failed",
  reason: "lostWrites == 0 (was 3)",
  measures: { lostWrites: 3, linearizable: true, gapMs: null, gapsMs: [612, 590] },
  faults: [{ id: "kill-1", kind: "kill", target: "n2", round: 1, atMs: 1_000, lastedMs: 500, happened: true }],
  steadyState: { before: [{ rule: "answering == 3", actual: 3, holds: true }], after: [] },
  invariants: [{ rule: "lostWrites == 0", actual: 3, holds: false }],
  expectations: [{ rule: "gapMs < 5000", actual: null, holds: null }],
  phases: [{ phase: "setup", atMs: 0, durationMs: 5, error: "" }],
  events: [{ atMs: 1_000, kind: "fault", text: "kill-1 </script><img src=x>" }],
  series: [{ name: "answered", unit: "a second", points: Array.from({ length: 60 }, (_, at) => [at * 100, 100 + at]) }],
  startedAt: 1_767_225_600_000,
  durationMs: 6_000,
};

describe.each(["light", "dark"] as const)("in the %s", (scheme) => {
  it("the page of a checked history shows the violation, and is used with keys", async () => {
    const [file, out] = [join(directory.path, `${scheme}.jsonl`), join(directory.path, `${scheme}.html`)];
    writeFileSync(file, `${history}\n`);
    const { code } = await run(["check", file, "--model", "register", "--html", out]);
    expect(code).toBe(1);
    const { page, troubles, close } = await openPage(browser, pathToFileURL(out).href, { scheme });
    await page.locator(".verdict.violation").waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    const details = page.locator("#details");
    await page.getByRole("button", { name: "Show violation" }).click();
    await expect.poll(() => details.textContent()).toContain("no order explains this operation");
    await page.locator("#timeline").focus();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => details.textContent()).toContain("write");
    await page.keyboard.press("Escape");
    await expect.poll(() => details.textContent()).toBe("");
    await page.locator("#process").selectOption("2");
    await page.locator("#timeline").focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => details.textContent()).toContain("unknown: it may happen at any later time");
    expect(troubles).toEqual([]);
    await close();
  });

  it("the report of a drill has its charts and tables, and nothing in it is markup", async () => {
    const out = join(directory.path, `drill-${scheme}.html`);
    writeFileSync(out, drillHtml([report, { ...report, drill: "disk-full", verdict: "passed", reason: "" }]));
    const { page, troubles, close } = await openPage(browser, pathToFileURL(out).href, { scheme });
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(await page.getByRole("img", { name: "answered (a second) over time" }).count()).toBe(2);
    expect(await page.locator("img").count()).toBe(0);
    await page.getByRole("link", { name: "disk-full" }).click();
    expect(new URL(page.url()).hash).toBe("#drill-disk-full");
    expect(troubles).toEqual([]);
    await close();
  });
});
