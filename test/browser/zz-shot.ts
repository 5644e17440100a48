import { launchChromium, openPage, accessibilityViolations } from "/work/main/test/browser/chromium.ts";
import { replayServer } from "/work/main/test/browser/replay-server.ts";
import { storyMessages } from "/work/main/test/browser/live-fixture.ts";
const now = Date.now();
const server = await replayServer({ first: () => storyMessages(Date.now()), answers: {
  "POST /v3/kv/range": (r: any) => r.body.keys_only ? { header: { revision: "482" }, count: "3", kvs: ["orders/1","orders/2","\u0001bin"].map((k) => ({ key: Buffer.from(k).toString("base64"), version: "1", mod_revision: "40", create_revision: "12", lease: "0" })) } : { kvs: [{ key: r.body.key, value: Buffer.from('{"total": 12, "items": ["a","b"]}').toString("base64") }] },
} });
const browser = await launchChromium();
const views = process.argv[2] ? [process.argv[2]] : ["cluster","services","events","keys","work","faults"];
for (const scheme of ["light","dark"] as const) {
  const { page, troubles, close } = await openPage(browser, server.url, { scheme });
  for (const view of views) {
    await page.evaluate(`location.hash = "#/${view}"`);
    await page.waitForTimeout(300);
    await page.screenshot({ path: `/tmp/shots/${view}-${scheme}.png` });
    console.log(scheme, view, await accessibilityViolations(page));
  }
  console.log(troubles);
  await close();
}
await browser.close(); await server.close();
