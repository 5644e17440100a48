import { chromium, type Browser, type Page } from "playwright-core";
import axe from "axe-core";

/** Debian's Chromium, which needs no sandbox of its own where root runs the tests. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

export interface OpenPageOptions {
  readonly scheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  readonly reducedMotion?: boolean;
  /** Colours that somebody has chosen for all pages: high contrast. */
  readonly forcedColours?: boolean;
}

/** A page, and everything that went wrong in it: errors, what its policy forbade, and requests to elsewhere. */
export interface WatchedPage {
  readonly page: Page;
  readonly troubles: readonly string[];
  readonly close: () => Promise<void>;
}

export async function openPage(browser: Browser, url: string, options: OpenPageOptions = {}): Promise<WatchedPage> {
  const { scheme = "light", width = 1280, height = 800 } = options;
  const { reducedMotion = false, forcedColours = false } = options;
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    reducedMotion: reducedMotion ? "reduce" : "no-preference",
    forcedColors: forcedColours ? "active" : "none",
    locale: "en-GB",
    timezoneId: "UTC",
  });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A refused connection is what some tests are about; the page says so itself.
    if (message.type() === "error" && !/Failed to load resource|net::ERR_/.test(message.text())) {
      troubles.push(`console: ${message.text()}`);
    }
  });
  const { origin } = new URL(url);
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith("data:") && new URL(to).origin !== origin) troubles.push(`request to ${to}`);
  });
  await page.goto(url);
  return { page, troubles, close: () => context.close() };
}

/**
 * What an accessibility check finds wrong, a line for each: all rules of WCAG 2.0, 2.1 and 2.2 A and AA that axe has, and its
 * best practices.
 */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  // Evaluated, not loaded: the page's policy would refuse a script of somebody else. Once for each document: it is large.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate<axe.AxeResults>(
    `axe.run(document, { resultTypes: ['violations'], runOnly: ${JSON.stringify(tags)}, rules: { 'target-size': { enabled: true } } })`,
  );
  // A check that looked at nothing finds nothing.
  if (passes.length < 15) return [`only ${passes.length} rules passed or applied`];
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help} at ${target.join(" ")}: ${failureSummary ?? ""}`),
  );
}

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
