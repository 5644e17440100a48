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

/** What the page says of the ways between members, as the titles of their lines. */
const links = (): Promise<string[]> => page.locator(".link title").allTextContents();

/** How two members' way is called when it is as the word says. */
const between = (one: string, other: string, state: string): string =>
  `${[one, other].toSorted().join(" and ")}: ${state}`;
const deafTo = (deaf: string, other: string): string => `${deaf} does not hear ${other}`;

/** How long it takes from now until the page shows all of these, or anything but these. */
function shows(titles: readonly string[], what: "all" | "anyBut" = "all"): Promise<number> {
  const shown = page.waitForFunction(
    ([wanted, how]) => {
      // It runs in the page, whose policy refuses code as text; what it has is not declared here.
      const { document } = globalThis as unknown as {
        document: { querySelectorAll(selector: string): Iterable<{ readonly textContent: string }> };
      };
      const seen = Array.from(document.querySelectorAll(".link title"), ({ textContent }) => textContent);
      return how === "all" ? wanted.every((title) => seen.includes(title)) : seen.some((one) => !wanted.includes(one));
    },
    [titles, what] as const,
    { polling: "raf" },
  );
  return took(shown);
}

/** Strikes a member's ways, as the page would; gives what takes it back. */
async function strike(member: string, kind: string): Promise<() => Promise<void>> {
  const faults = new URL("/holdfast/v1/dashboard/faults", ready.dashboardUrl);
  const body = JSON.stringify({ target: `peers-${member}`, kind, durationMs: 60_000, force: true });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(faults, { method: "POST", headers, body });
  expect(answer.status).toBe(201);
  const { id } = (await answer.json()) as { readonly id: string };
  return async () => void (await fetch(`${faults.href}/${id}`, { method: "DELETE", headers }));
}

/** Waits until every way is as it should be, and gives who leads and who follows. */
async function allUp(): Promise<{ readonly leader: string; readonly followers: readonly [string, string] }> {
  await page.keyboard.press("1");
  const leader = await healthy();
  const [one, other] = ready.members.map(({ name }) => name).filter((name) => name !== leader) as [string, string];
  await shows([between(leader, one, "up"), between(leader, other, "up"), between(one, other, "up")]);
  expect(await links()).toHaveLength(3);
  return { leader, followers: [one, other] };
}

function tell(what: string, times: Readonly<Record<string, number>>): void {
  const text = Object.entries(times).map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`);
  console.log(`${what}: ${text.join(", ")}`);
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
  // Whom it follows and who follows it say so; what the followers say of each other comes from gossip, later.
  const noticed = await shows([between(leader, other, "cut")]);
  await summary(`| ${other}`).waitFor();
  await page.getByRole("button", { name: "Heal everything (1)" }).click();
  const healed = await took(page.getByRole("button", { name: "Heal everything", exact: true }).waitFor());
  await healthy();
  console.log(`the cut was seen from both sides after ${noticed.toFixed(0)} ms`);
  console.log(
    `a fault was seen ${injected.toFixed(0)} ms after the click, and its end ${healed.toFixed(0)} ms after the click`,
  );
  expect(injected).toBeLessThan(seenMs);
  expect(noticed).toBeLessThan(seenMs);
  expect(healed).toBeLessThan(seenMs);
  await page.keyboard.press("3");
  await page.locator('.event-row:has-text("faultInjected")').first().waitFor();
  await page.locator('.event-row:has-text("faultRemoved")').first().waitFor();
});

it("a follower that is cut off is drawn so from both sides within a second, and its healing as well", async () => {
  const { leader, followers } = await allUp();
  const [cut, other] = followers;
  const up = [between(leader, cut, "up"), between(leader, other, "up"), between(cut, other, "up")];
  const heal = await strike(cut, "partition");
  const cuts = [between(leader, cut, "cut"), between(cut, other, "cut")];
  const [first, both] = await Promise.all([shows(up, "anyBut"), shows(cuts)]);
  await heal();
  const healed = await shows(up);
  tell("a follower cut off", { first, both, healed });
  expect(Math.max(first, both, healed)).toBeLessThan(seenMs);
});

it("a leader that is cut off is drawn so from both sides, and towards each other member, within a second", async () => {
  const { leader, followers } = await allUp();
  const [one, other] = followers;
  const up = [between(leader, one, "up"), between(leader, other, "up"), between(one, other, "up")];
  const heal = await strike(leader, "partition");
  const cuts = [between(leader, one, "cut"), between(leader, other, "cut")];
  const [first, both] = await Promise.all([shows(up, "anyBut"), shows(cuts)]);
  await expect
    .poll(async () => (await page.locator(".summary .fact").first().textContent()) ?? "", { timeout: 15_000 })
    .not.toMatch(new RegExp(`nobody|${leader}`));
  const next = (await page.locator(".summary .fact").first().locator("dd").textContent())!.trim();
  await heal();
  const healed = await shows([between(leader, next, "up")]);
  const whole = await shows(up);
  tell("the leader cut off", { first, both, healed, whole: healed + whole });
  expect(Math.max(first, both, healed)).toBeLessThan(seenMs);
});

it.each(["cannotHear", "cannotSend"])("a follower that %s is drawn as a cut of one direction", async (kind) => {
  const { leader, followers } = await allUp();
  const [cut, other] = followers;
  const up = [between(leader, cut, "up"), between(leader, other, "up"), between(cut, other, "up")];
  const heal = await strike(cut, kind);
  const [first, oneWay] = await Promise.all([
    shows(up, "anyBut"),
    shows([kind === "cannotHear" ? deafTo(cut, leader) : deafTo(leader, cut)]),
  ]);
  await heal();
  const healed = await shows([between(leader, cut, "up")]);
  tell(kind, { first, "as of one direction": oneWay, healed });
  expect(Math.max(first, oneWay, healed)).toBeLessThan(seenMs);
});

it("a leader that cannot be heard is drawn so until another leads", async () => {
  const { leader, followers } = await allUp();
  const heal = await strike(leader, "cannotSend");
  const oneWay = await shows(followers.map((each) => deafTo(each, leader)));
  await expect
    .poll(async () => (await page.locator(".summary .fact").first().textContent()) ?? "", { timeout: 15_000 })
    .not.toMatch(new RegExp(`nobody|${leader}`));
  const next = (await page.locator(".summary .fact").first().locator("dd").textContent())!.trim();
  await heal();
  const healed = await shows([between(leader, next, "up")]);
  tell("the leader cannotSend", { "as of one direction": oneWay, healed });
  expect(Math.max(oneWay, healed)).toBeLessThan(seenMs);
});

it("a lost quorum is said, with what to do next", async () => {
  const { leader, followers } = await allUp();
  const heals = [await strike(followers[0], "partition"), await strike(followers[1], "partition")];
  const cut = await shows(followers.map((each) => between(leader, each, "cut")));
  // A leader that hears nobody gives up after an election timeout.
  const lost = await took(summary("No quorum").waitFor());
  await page.locator(".next-steps").getByText("Mend the network between the members").waitFor();
  for (const heal of heals) await heal();
  const back = await took(summary("Healthy").waitFor());
  tell("everybody cut off", { cut, "no quorum": cut + lost, "healthy again": back });
  expect(cut).toBeLessThan(seenMs);
  expect(cut + lost).toBeLessThan(3 * seenMs);
  expect(await page.locator(".next-steps").count()).toBe(0);
});

it("a breaker that opens in a service of somebody's own is seen within a second", async () => {
  const breaker = circuitBreaker({ name: "bank", window: { kind: "consecutive", failures: 3 }, openMs: 60_000 });
  const endpoints = [ready.members[0]!.httpUrl];
  const service = instrumentService({ service: "shop", instance: "a", endpoints, policies: policyReader(breaker) });
  await page.keyboard.press("2");
  await page.locator('.tile:has-text("bank"):has-text("closed")').waitFor();
  for (let call = 0; call < 3; call++) await breaker.execute(() => Promise.reject(new Error("no"))).catch(() => 0);
  const opened = await took(page.locator('.tile.bad:has-text("bank"):has-text("open")').waitFor());
  await service.close();
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

it("a page that is opened now has charts of what was before", async () => {
  // At every fifth second each member looks at itself, and tells of it ten seconds later: about two looks.
  const url = new URL("/holdfast/v1/dashboard/history", ready.members[0]!.httpUrl);
  const remembered = async (): Promise<number> => {
    const { member } = (await (await fetch(url)).json()) as { readonly member: { readonly base64: string } | null };
    return Buffer.from(member?.base64 ?? "", "base64").length / (3 * 8);
  };
  await expect.poll(remembered, { timeout: 20_000, interval: 200 }).toBeGreaterThanOrEqual(2);
  const openedAt = Date.now();
  const late = await openPage(browser, new URL("/dashboard/", ready.members[0]!.httpUrl).href);
  const chart = late.page.locator(".chart").filter({ hasText: "Not applied yet" });
  await chart.locator("summary").click();
  /** The moments at which the lag is known, as its table says. */
  const times = async (): Promise<string[]> =>
    (await chart.locator("tbody tr").allTextContents())
      .filter((row) => !row.includes("–"))
      .map((row) => row.slice(0, 8));
  const before = (rows: readonly string[]): string[] =>
    rows.filter((text) => new Date(`${new Date(openedAt).toDateString()} ${text}`).getTime() < openedAt - 5_000);
  await expect.poll(async () => before(await times()).length, { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
  const all = await times();
  expect(new Set(all).size).toBe(all.length);
  expect(late.troubles).toEqual([]);
  await late.close();
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
