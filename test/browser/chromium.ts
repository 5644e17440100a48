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
}

/** A page, and everything that went wrong in it: errors, what its policy forbade, and requests to elsewhere. */
export interface WatchedPage {
  readonly page: Page;
  readonly troubles: readonly string[];
  readonly close: () => Promise<void>;
}

export async function openPage(browser: Browser, url: string, options: OpenPageOptions = {}): Promise<WatchedPage> {
  const { scheme = "light", width = 1280, height = 800, reducedMotion = false } = options;
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    reducedMotion: reducedMotion ? "reduce" : "no-preference",
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
 * What an accessibility check finds wrong, a line for each: WCAG 2.2 A and AA, and axe's best practices. `colours`: only what
 * another theme can change.
 */
export async function accessibilityViolations(page: Page, which: "all" | "colours" = "all"): Promise<string[]> {
  // Evaluated, not loaded: the page's policy would refuse a script of somebody else.
  await page.evaluate(axe.source);
  const only = which === "all" ? "" : ", runOnly: ['color-contrast', 'link-in-text-block']";
  const { violations } = await page.evaluate<axe.AxeResults>(
    `axe.run(document, { resultTypes: ['violations'] ${only} })`,
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help} at ${target.join(" ")}: ${failureSummary ?? ""}`),
  );
}
