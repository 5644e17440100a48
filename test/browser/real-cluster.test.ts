import { circuitBreaker, policyReader } from "holdfast/resilience";
import { instrumentService } from "holdfast/telemetry";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePortRange } from "../process/free-ports.ts";
import { start, temporaryDirectory, until, type RunningCommand } from "../process/holdfast-command.ts";
import { launchChromium, openPage, type WatchedPage } from "./chromium.ts";

interface Ready {
  readonly dashboardUrl: string;
  readonly members: readonly { readonly name: string; readonly pid: number; readonly httpUrl: string }[];
}

/** What happens is seen within this time. */
const seenMs = 1_000;
/** Members notice a cut when heartbeats are missing: after an election timeout at most. */
const noticedMs = 1_000;

const directory = temporaryDirectory();
let command: RunningCommand;
let ready: Ready;
let browser: Browser;
let watched: WatchedPage;
let page: Page;

beforeAll(async () => {
  const port = await freePortRange(31);
  const line = ["up", "--json", "--allow-faults", "--data", directory.path, "--port", String(port + 1)];
  command = start([...line, "--dashboard", String(port)]);
  [browser, ready] = await Promise.all([
    launchChromium(),
    command.firstLine().then((text) => JSON.parse(text) as Ready),
  ]);
  watched = await openPage(browser, ready.dashboardUrl);
  ({ page } = watched);
  await healthy();
});

afterAll(async () => {
  await browser?.close();
  command?.child.kill("SIGTERM");
  await command?.done;
  directory.remove();
});

const summary = (text: string) => page.locator(`.summary:has-text("${text}")`);

/** Waits until nothing is wrong, and gives who leads. */
async function healthy(): Promise<string> {
  await summary("Healthy").waitFor();
  const text = await page.locator(".summary .fact").first().locator("dd").textContent();
  return (text ?? "").trim();
}

/** How long something took, in milliseconds. */
async function took(what: Promise<unknown>): Promise<number> {
  const before = performance.now();
  await what;
  return performance.now() - before;
}

// Its supervisor starts it again at once: it is stopped, and then silent until it answers.
it("a leader that is killed is seen to be gone within a second, then the next one leads, and it comes back", async () => {
  const leader = await healthy();
  const { pid } = ready.members.find(({ name }) => name === leader)!;
  process.kill(pid, "SIGKILL");
  const stopped = await took(page.locator(`tr:has(th:has-text("${leader}")) .badge:not(.good)`).waitFor());
  await expect
    .poll(async () => (await page.locator(".summary .fact").first().textContent()) ?? "", { timeout: 15_000 })
    .not.toMatch(new RegExp(`nobody|${leader}`));
  await healthy();
  console.log(`the death of the leader was seen after ${stopped.toFixed(0)} ms`);
  expect(stopped).toBeLessThan(seenMs);
  await page.locator('.latest:has-text("follows")').waitFor();
});

it("a member is cut off from the page, seen struck within a second and cut as soon as members notice, and everything is healed from the page", async () => {
  const leader = await healthy();
  const other = ready.members.find(({ name }) => name !== leader)!.name;
  await page.keyboard.press("6");
  const form = page.locator(".fault-form");
  await form.getByLabel("Target").selectOption({ value: `peers-${other}` });
  await form.locator("select").nth(1).selectOption("partition");
  await form.getByText(`May hurt ${other}`).waitFor();
  await form.getByText("The quorum survives").waitFor();
  await form.getByRole("button", { name: /^Inject/ }).click();
  const injected = await took(page.getByRole("button", { name: "Heal everything (1)" }).waitFor());
  await page.keyboard.press("1");
  const noticed = await took(page.locator(".link:not(.up)").first().waitFor({ state: "attached" }));
  // Suspects have some seconds to object: then both sides say that the other is dead.
  await page.locator(".link.cut").first().waitFor({ state: "attached" });
  await summary(`| ${other}`).waitFor();
  await page.getByRole("button", { name: "Heal everything (1)" }).click();
  const healed = await took(page.getByRole("button", { name: "Heal everything", exact: true }).waitFor());
  await healthy();
  console.log(`the cut was seen on the links after ${noticed.toFixed(0)} ms`);
  console.log(
    `a fault was seen ${injected.toFixed(0)} ms after the click, and its end ${healed.toFixed(0)} ms after the click`,
  );
  expect(injected).toBeLessThan(seenMs);
  expect(noticed).toBeLessThan(noticedMs + seenMs);
  expect(healed).toBeLessThan(seenMs);
  await page.keyboard.press("3");
  await page.locator('.event-row:has-text("faultInjected")').first().waitFor();
  await page.locator('.event-row:has-text("faultRemoved")').first().waitFor();
});

it("a breaker that opens in a service of somebody's own is seen within a second", async () => {
  const breaker = circuitBreaker({ name: "bank", window: { kind: "consecutive", failures: 3 }, openMs: 60_000 });
  const endpoints = [ready.members[0]!.httpUrl];
  const service = instrumentService({ service: "shop", instance: "a", endpoints, policies: policyReader(breaker) });
  await page.keyboard.press("2");
  await page.locator('.tile:has-text("bank"):has-text("closed")').waitFor();
  for (let call = 0; call < 3; call++) await breaker.execute(() => Promise.reject(new Error("no"))).catch(() => 0);
  const opened = await took(page.locator('.tile.bad:has-text("bank"):has-text("open")').waitFor());
  service.close();
  console.log(`the open breaker was seen after ${opened.toFixed(0)} ms`);
  expect(opened).toBeLessThan(seenMs);
});

it("shows the cluster's keys", async () => {
  const put = await fetch(new URL("/v3/kv/put", ready.members[0]!.httpUrl), {
    method: "POST",
    body: JSON.stringify({ key: btoa("orders/7"), value: btoa('{"total":12}') }),
  });
  expect(put.status).toBe(200);
  await page.keyboard.press("4");
  await page.getByLabel("Prefix").fill("orders/");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "orders/7" }).click();
  await page.locator("pre:has-text('\"total\": 12')").waitFor();
});

it("every member serves the same, and says so when its server is gone", async () => {
  const [member] = ready.members;
  const own = await openPage(browser, new URL("/dashboard/", member!.httpUrl).href);
  await own.page.locator('.pill[data-state="live"]').waitFor();
  await own.page.locator('.summary:has-text("Healthy")').waitFor();
  expect(await own.page.locator("tbody tr").count()).toBe(ready.members.length);
  // Nobody allowed faults here: only who runs the processes can.
  expect(await own.page.getByRole("button", { name: /^Heal everything/ }).count()).toBe(0);
  expect(own.troubles).toEqual([]);
  expect(watched.troubles).toEqual([]);
  await own.close();
  command.child.kill("SIGTERM");
  await page.locator('.pill[data-state="disconnected"]').waitFor();
  await page.getByText("What you see is the last that was known").waitFor();
  await until("the cluster has stopped", 10_000, () => command.child.exitCode !== null);
});
