import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { renderRecording, type LiveMessage, type LiveRecording } from "holdfast/telemetry";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, openPage } from "./chromium.ts";
import { clusterOf, eventAt, fixtureNow, hello, storyMessages } from "./live-fixture.ts";

const built = join(import.meta.dirname, "../../packages/server/dashboard");
const template = readFileSync(join(built, "recording.html"), "utf8");
const directory = mkdtempSync(join(tmpdir(), "holdfast-hostile-recording-"));

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  rmSync(directory, { recursive: true });
});

function written(name: string, text: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return pathToFileURL(path).href;
}

function recordingOf(messages: readonly LiveMessage[], more: Partial<LiveRecording> = {}): LiveRecording {
  return {
    format: "holdfast-recording",
    version: 1,
    title: "a run",
    startedAt: fixtureNow,
    durationMs: messages.length * 10,
    messages: messages.map((message, at) => ({ atMs: at * 10, message })),
    ...more,
  };
}

describe("a file that was cut short", () => {
  const text = renderRecording(template, recordingOf(storyMessages()));
  const at = (mark: string, from = 0): number => {
    const found = text.indexOf(mark, from);
    if (found < 0) throw new Error(`there is no ${mark}`);
    return found;
  };
  const [style, script, data] = [at("<style>"), at('<script type="module">'), at('id="recording">')];
  const end = at("</script>", data);
  const first = /A recording of Holdfast. Where nothing else comes, this file is cut short/;
  /** Where, and what the page says. Before its styles not even the browser has anything. */
  const cuts: readonly (readonly [name: string, length: number, said: RegExp])[] = [
    ["before its styles", style, first],
    ["in its styles", style + 3_000, first],
    ["in its program", Math.round((script + data) / 2), first],
    ["where the recording begins", data + 15, /There is no recording/],
    ["in its first line", data + 60, /cut short at its very beginning/],
    ["in its first message", at("[\n", data) + 40, /cut short before its first message/],
    ["in the middle", Math.round((data + end) / 2), /The recording is cut short: what follows is missing/],
    ["before its last signs", end - 1, /The recording is cut short: what follows is missing/],
    ["in its last element", end + 4, /a run/],
  ];

  it("says so, wherever that was", async () => {
    const { page, troubles, close } = await openPage(browser, "about:blank");
    for (const [name, length, said] of cuts) {
      await page.goto(written(`${name}.html`, text.slice(0, length)));
      await page.getByText(said).first().waitFor();
    }
    // What has no end is not run, which the browser says.
    expect(troubles.filter((trouble) => !trouble.includes("Content Security Policy"))).toEqual([]);
    await close();
  });

  it("anywhere in a letter of several bytes, or with bytes that are none, opens all the same", async () => {
    const odd = recordingOf(storyMessages(), { title: "a run with ärmliche ☂ letters" });
    const bytes = Buffer.from(renderRecording(template, odd));
    const at = bytes.indexOf(Buffer.from("☂"));
    bytes[at + 1] = 0xff;
    const { page, troubles, close } = await openPage(browser, written("bytes.html", bytes));
    await page.getByText("a run with ärmliche").waitFor();
    expect(troubles).toEqual([]);
    await close();
  });
});

/** Everything that is text becomes this word, but for what tells messages apart. */
function worded(value: unknown, word: string, key = ""): unknown {
  if (typeof value === "string") return key === "type" ? value : word;
  if (Array.isArray(value)) return value.map((each) => worded(each, word));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, worded(each, word, name)]));
}

describe("a recording in which everything is called", () => {
  it.each([
    ["markup", "</script><img src=x onerror=alert(1)><svg onload=alert(2)>"],
    ["as properties of every object are", "constructor"],
    ["as the prototype is", "__proto__"],
    [
      "with signs that turn text around, and escapes of terminals",
      "\u202Eesrever\u2066\u001B[31m\u001B]0;title\u0007\0",
    ],
    ["nothing", ""],
    ["something very long", "long".repeat(100)],
  ])("%s is shown, and nothing of it is run", async (name, word) => {
    const messages = storyMessages().map((message) =>
      message.type === "hello" ? message : (worded(message, word) as LiveMessage),
    );
    const text = renderRecording(template, recordingOf(messages, { title: word })).replaceAll(
      '"counts":{',
      '"counts":{"__proto__":{"polluted":1},"constructor":2,',
    );
    const { page, troubles, close } = await openPage(browser, written(`${name.slice(0, 20)}.html`, text));
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.locator('.pill[data-state="recording"]').waitFor();
    for (const key of ["1", "2", "3", "4", "5", "6"]) {
      await page.keyboard.press(key);
      await page.locator("main h1").waitFor({ state: "attached" });
      await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
      expect([key, await page.getByText("cannot be drawn").count()]).toEqual([key, 0]);
    }
    expect(await page.locator("img, main script, svg[onload]").count()).toBe(0);
    expect(await page.evaluate("({}).polluted === undefined")).toBe(true);
    expect(dialogs).toEqual([]);
    expect(troubles).toEqual([]);
    await close();
  });
});

describe("a recording", () => {
  const opens: readonly (readonly [what: string, recording: LiveRecording, shown: string | RegExp])[] = [
    ["without a cluster", recordingOf([hello]), "a run"],
    ["without a greeting", recordingOf(storyMessages().slice(1)), "a run"],
    [
      "whose clocks jump back and forth",
      recordingOf([
        hello,
        ...Array.from({ length: 40 }, (_, at): LiveMessage => {
          const jumped = fixtureNow + (at % 2 === 0 ? 1 : -1) * at * 3_600_000;
          return at % 4 === 3
            ? { type: "events", events: [eventAt(jumped, "n1", { type: "quorumLost", term: at })] }
            : { type: "cluster", cluster: clusterOf({ at: jumped }) };
        }),
      ]),
      "a run",
    ],
    [
      "of a hundred nodes",
      recordingOf([hello, { type: "cluster", cluster: clusterOf({ members: 100, stopped: ["n17"] }) }]),
      "n17",
    ],
  ];

  it.each(opens)("%s opens, at any moment of it", async (name, recording, shown) => {
    const { page, troubles, close } = await openPage(
      browser,
      written(`${name}.html`, renderRecording(template, recording)),
    );
    await page.getByText(shown).first().waitFor();
    const moment = page.getByLabel("Moment");
    for (const part of [0, 0.5, 0.25, 1]) {
      // Between two steps of it the control chooses itself.
      await moment.evaluate(
        (input, to) => {
          const range = input as unknown as { value: string; dispatchEvent(event: unknown): void };
          range.value = String(to);
          range.dispatchEvent(new Event("input", { bubbles: true }));
        },
        Math.round(recording.durationMs * part),
      );
      for (const key of ["1", "3"]) await page.keyboard.press(key);
      expect(await page.getByText("cannot be drawn").count()).toBe(0);
    }
    expect(troubles).toEqual([]);
    await close();
  });
});
