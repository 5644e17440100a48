import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LiveMessage } from "holdfast/telemetry";
import { launchChromium, openPage } from "./chromium.ts";
import { clusterOf, eventAt, faultOn, fixtureNow, hello, servicesOf, storyMessages, targets } from "./live-fixture.ts";
import { replayServer, ticking } from "./replay-server.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

const wellMessages = (): LiveMessage[] => [
  hello,
  { type: "cluster", cluster: clusterOf() },
  { type: "faults", faults: [], targets },
  { type: "services", services: servicesOf(fixtureNow, false) },
];

const pill = (page: Page, state: string) => page.locator(`.pill[data-state="${state}"]`);

/** How long it takes from telling until the page shows it. */
async function shownAfter(tell: () => void, shown: Promise<unknown>): Promise<number> {
  const start = performance.now();
  tell();
  await shown;
  return performance.now() - start;
}

describe("what happens", () => {
  it("is seen within a second: a leader that dies, a cut, a breaker that opens, a fault and its end", async () => {
    let cluster = clusterOf();
    const server = await replayServer({ first: wellMessages });
    const stop = ticking(server, () => cluster, 500);
    const { page, troubles, close } = await openPage(browser, server.url);
    await page.locator('.summary:has-text("Healthy")').waitFor();
    const tell = (options: Parameters<typeof clusterOf>[0]) => (): void => {
      cluster = clusterOf(options);
      server.send({ type: "cluster", cluster });
    };
    const took: Record<string, number> = {};
    took["leader killed"] = await shownAfter(
      tell({ leader: null, stopped: ["n2"] }),
      page.locator('.summary:has-text("No leader"):has-text("stopped: n2")').waitFor(),
    );
    took["next leader"] = await shownAfter(
      tell({ leader: "n3", stopped: ["n2"], term: 15 }),
      page.locator('.summary:has-text("Degraded"):has-text("n3"):has-text("15")').waitFor(),
    );
    took["cut"] = await shownAfter(
      tell({ leader: "n3", cuts: ["n1>n4", "n4>n1"] }),
      page.locator(".link.cut").waitFor({ state: "attached" }),
    );
    took["no quorum"] = await shownAfter(
      tell({ leader: null, silent: ["n2", "n3", "n4"] }),
      page.locator('.summary.bad:has-text("nothing can be decided")').waitFor(),
    );
    took["breaker open"] = await shownAfter(
      () => server.send({ type: "services", services: servicesOf(fixtureNow, true) }),
      page.locator('nav a:has-text("Services") .count:has-text("3")').waitFor(),
    );
    took["fault"] = await shownAfter(
      () => server.send({ type: "faults", faults: [faultOn("peers-n5", "partition")], targets }),
      page.getByRole("button", { name: "Heal everything (1)" }).waitFor(),
    );
    took["healed"] = await shownAfter(
      () => server.send({ type: "faults", faults: [], targets }),
      page.getByRole("button", { name: "Heal everything", exact: true }).waitFor(),
    );
    for (const [name, ms] of Object.entries(took)) expect(ms, name).toBeLessThan(1_000);
    // Those who hear the page are told as well; what came fast, together.
    await page.locator('[role="status"]:has-text("No fault is active")').waitFor({ state: "attached" });
    expect(troubles).toEqual([]);
    stop();
    await close();
    await server.close();
  });
});

describe.concurrent("the connection", () => {
  it("is shown as what it is: connecting, live, stale, disconnected, and goes on where it was", async ({ expect }) => {
    const messages: LiveMessage[] = [];
    const server = await replayServer({ first: () => messages });
    const { page, close } = await openPage(browser, server.url);
    await pill(page, "connecting").waitFor();
    await page.getByText("Nothing is known of the cluster yet").waitFor();
    server.send(hello, { type: "cluster", cluster: clusterOf() });
    await pill(page, "live").waitFor();
    await pill(page, "stale").waitFor();
    await page.getByText("What you see is the last that was known").waitFor();
    const stop = ticking(server);
    await pill(page, "live").waitFor();

    const event = eventAt(fixtureNow, "n1", { type: "selfStalled", lagMs: 77 });
    server.send({ type: "events", events: [event] });
    await page.locator('.latest:has-text("77 ms")').waitFor();
    server.cut(true);
    await page.locator('.pill:has-text("retry in")').waitFor();
    // Everything that was known is still there, and said to be old.
    await page.locator(".summary").waitFor();
    await page.getByText("The server cannot be reached").waitFor();
    const tried = server.resumes.length;
    await page.getByRole("button", { name: "Retry now" }).click();
    await expect.poll(() => server.resumes.length, { timeout: 10_000 }).toBeGreaterThan(tried);
    messages.push(hello, { type: "cluster", cluster: clusterOf() }, { type: "events", events: [event] });
    server.cut(false);
    await pill(page, "live").waitFor();
    expect(server.resumes[0]).toBeUndefined();
    expect(server.resumes.at(-1)).toMatch(/^r-\d+$/);
    // The one that came twice is there once.
    expect(await page.locator(".latest li").count()).toBe(1);
    stop();
    await close();
    await server.close();
  });

  it("needs the token, which neither the address nor a bookmark keeps", async ({ expect }) => {
    const server = await replayServer({ first: wellMessages, token: "s3cret" });
    const stop = ticking(server);
    const { page, close } = await openPage(browser, `${server.url}#token=wrong`);
    await page.getByText("The token was refused").waitFor();
    expect(new URL(page.url()).hash).toBe("");
    await page.getByLabel("Token").fill("s3cret");
    await page.keyboard.press("Enter");
    await pill(page, "live").waitFor();
    await page.reload();
    await pill(page, "live").waitFor();
    await close();
    const second = await openPage(browser, `${server.url}#token=s3cret`);
    await pill(second.page, "live").waitFor();
    expect(second.page.url()).not.toContain("s3cret");
    await second.close();
    stop();
    await server.close();
  });

  it("survives messages that are none, and says so", async ({ expect }) => {
    const server = await replayServer({ first: wellMessages });
    const stop = ticking(server);
    const { page, troubles, close } = await openPage(browser, server.url);
    await pill(page, "live").waitFor();
    const bad: readonly [string, string][] = [
      ["{not json", "no JSON"],
      ['{"type":"cluster","cluster":{"members":7}}', "cluster.cluster.at is not what it should be"],
      ['{"type":"somethingNew"}', "unknown type somethingNew"],
      [JSON.stringify({ ...hello, version: 9 }), "format version 9"],
    ];
    for (const [data, said] of bad) {
      server.sendRaw(data);
      await page.getByText(said).waitFor();
    }
    await page.getByRole("button", { name: "Dismiss" }).click();
    expect(await page.getByText("is left out here").count()).toBe(0);
    // Types and names that mean something to JavaScript, or to HTML, are only text.
    const odd = ["__proto__", "constructor", "<img src=x onerror=alert(1)>"];
    server.send({ type: "events", events: odd.map((type) => eventAt(fixtureNow, type, { type, member: type })) });
    await page.evaluate("location.hash = '#/events'");
    await page.locator('#event-count:has-text("3 of 3")').waitFor();
    expect(await page.locator("main img").count()).toBe(0);
    expect(troubles).toEqual([]);
    stop();
    await close();
    await server.close();
  });
});

describe.concurrent("what a person does", () => {
  it("injects a fault after seeing what it may hurt, ends it, and heals everything", async ({ expect }) => {
    let refuse = false;
    const server = await replayServer({
      first: wellMessages,
      answers: {
        "POST faults": () => {
          server.send({ type: "faults", faults: [faultOn("process-n2", "pause")], targets });
          return faultOn("process-n2", "pause");
        },
        "DELETE faults/pause-2": () => {
          server.send({ type: "faults", faults: [], targets });
          return {};
        },
        "POST heal": () => ({ removed: 1, stuck: 0 }),
      },
    });
    const stop = ticking(server, () => clusterOf(refuse ? { stopped: ["n4", "n5"] } : {}));
    const { page, troubles, close } = await openPage(browser, `${server.url}#/faults`);
    const form = page.locator(".fault-form");
    await form.getByLabel("Target").selectOption({ label: "process of n2" });
    await form.getByText("May hurt n2, the leader among them: expect an election").waitFor();
    await form.getByText("The quorum survives").waitFor();
    await form.getByLabel("Ends after").selectOption("15 s");
    await form.getByRole("button", { name: "Inject for 15 s" }).click();
    await form.getByText("pause on process of n2 has begun").waitFor();
    await page.locator('.fault:has-text("pause on process of n2")').waitFor();
    await page.getByRole("button", { name: /^End now/ }).click();
    await page.getByText("No fault is active.", { exact: true }).first().waitFor();

    await form.getByLabel("Target").selectOption({ label: "peers of n1" });
    await form.locator("select").nth(1).selectOption({ label: "delay" });
    await form.getByLabel("delayMs").fill("70000");
    expect(await form.getByRole("button", { name: /^Inject/ }).isDisabled()).toBe(true);
    await form.getByLabel("delayMs").fill("350");
    refuse = true;
    // Two are gone: the third would take the quorum, and nobody does that by accident.
    await form.getByText("The quorum may be lost").waitFor();
    expect(await form.getByRole("button", { name: /^Inject/ }).isDisabled()).toBe(true);
    await form.getByLabel(/I accept/).check();
    await form.getByRole("button", { name: /^Inject/ }).click();
    await form.getByText("delay on peers of n1 has begun").waitFor();
    await page.getByRole("button", { name: /^Heal everything/ }).click();
    await page.getByText("Healed: 1 removed", { exact: true }).waitFor();
    expect(server.requests.map(({ method, path, body }) => [method, path.split("/dashboard/")[1], body])).toEqual([
      ["POST", "faults", { target: "process-n2", kind: "pause", parameters: {}, durationMs: 15_000 }],
      ["DELETE", "faults/pause-2", undefined],
      [
        "POST",
        "faults",
        { target: "peers-n1", kind: "delay", parameters: { delayMs: 350 }, durationMs: 15_000, force: true },
      ],
      ["POST", "heal", {}],
    ]);
    expect(troubles).toEqual([]);
    stop();
    await close();
    await server.close();
  });

  it("approves a step, reads a report, cancels a plan, and is told what went wrong", async ({ expect }) => {
    const server = await replayServer({
      first: () => storyMessages(),
      answers: {
        "POST plans/ex-1042/approve": () => ({}),
        "GET plans/ex-1042": () => ({ plan: "restore-orders-database", steps: 4 }),
      },
    });
    const stop = ticking(server);
    const { page, close } = await openPage(browser, `${server.url}#/work`);
    const plan = page.getByRole("article", { name: "Plan restore-orders-database" });
    await plan.getByLabel("Comment").fill("checked by hand");
    await plan.getByRole("button", { name: "Approve" }).click();
    await plan.getByRole("button", { name: "Report" }).click();
    await plan.locator('pre:has-text("restore-orders-database")').waitFor();
    await plan.getByRole("button", { name: "Cancel…" }).click();
    await page.getByRole("button", { name: "Cancel the plan" }).click();
    await plan.getByText("Not Found: nobody answers POST plans/ex-1042/cancel").waitFor();
    expect(server.requests.map(({ method, body }) => [method, body])).toEqual([
      ["POST", { step: "promote-replica", approved: true, comment: "checked by hand" }],
      ["GET", undefined],
      ["POST", {}],
    ]);
    stop();
    await close();
    await server.close();
  });

  it("pauses the events to read, and misses none", async ({ expect }) => {
    const server = await replayServer({ first: () => storyMessages() });
    const stop = ticking(server);
    const { page, close } = await openPage(browser, `${server.url}#/events`);
    await page.locator('#event-count:has-text("10 of 10")').waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    server.send({ type: "events", events: [eventAt(fixtureNow + 5, "n4", { type: "quorumLost", term: 15 })] });
    await page.getByText("Paused; 1 new").waitFor();
    expect(await page.locator(".event-row").count()).toBe(10);
    await page.getByRole("button", { name: "Go live" }).click();
    await page.locator('.event-row:has-text("lost the quorum")').waitFor();
    await page.getByLabel("What").selectOption("trouble");
    await page.getByLabel("Node").selectOption("n4");
    await page.locator('#event-count:has-text("2 of 11")').waitFor();
    expect(await page.getByText("lost for good: 12 of n3").count()).toBe(1);
    stop();
    await close();
    await server.close();
  });
});
