import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { LiveRecording } from "holdfast/telemetry";
import { afterAll, describe, expect, it } from "vitest";
import { recordedHello } from "./record-hub.ts";
import { recordingFile } from "./recording-file.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-recording-file-"));
const template = join(directory, "template.html");
const page = '<html><script type="application/json" id="recording"></script></html>';

afterAll(() => rmSync(directory, { recursive: true }));

const recording: LiveRecording = {
  format: "holdfast-recording",
  version: 1,
  title: "a run",
  startedAt: 1_000,
  durationMs: 10,
  omitted: { states: 3, events: 2 },
  messages: [{ atMs: 0, message: recordedHello("n1") }],
};

describe("recordingFile", () => {
  it("writes a page that holds the recording, or the recording alone, and says what is left out", () => {
    writeFileSync(template, page);
    const html = join(directory, "run.html");
    expect(recordingFile(html, pathToFileURL(template)).write(recording)).toBe(
      `Recording: ${html}, 1 messages; left out 3 states and 2 events`,
    );
    const [, inside = ""] = /id="recording">([^<]+)</.exec(readFileSync(html, "utf8")) ?? [];
    expect(JSON.parse(inside)).toEqual(recording);
    const json = join(directory, "run.json");
    recordingFile(json, pathToFileURL(join(directory, "none.html"))).write(recording);
    expect(JSON.parse(readFileSync(json, "utf8"))).toEqual(recording);
  });

  it("refuses other names, says how the page is built, and where nothing can be written", () => {
    expect(() => recordingFile("run.txt")).toThrow("--recording must end in .html or .json (got run.txt)");
    const missing = pathToFileURL(join(directory, "none.html"));
    expect(() => recordingFile("run.html", missing)).toThrow("run npm run page");
    const nowhere = recordingFile(join(directory, "none", "run.json"));
    expect(() => nowhere.write(recording)).toThrow("cannot be written");
  });
});
