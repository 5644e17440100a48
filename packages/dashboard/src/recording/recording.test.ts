import { renderRecording, type LiveMessage, type LiveRecording } from "holdfast/telemetry";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LiveModel } from "../model/live-model.ts";
import { createPlayer } from "./player.ts";
import { readRecording } from "./read-recording.ts";

const template = '<html><script type="application/json" id="recording"></script></html>';
const hello: LiveMessage = {
  type: "hello",
  version: 1,
  servedBy: "simulation",
  release: "0.1.0",
  allows: { faults: false, plans: false, keys: false },
  everyMs: 1_000,
};
const lost = (count: number): LiveMessage => ({ type: "lost", nodeId: "</script><b>", count });

const recording: LiveRecording = {
  format: "holdfast-recording",
  version: 1,
  title: "Seed 7 & <script>alert(1)</script>",
  startedAt: 1_000_000,
  durationMs: 5_000,
  messages: [
    { atMs: 0, message: hello },
    { atMs: 1_000, message: lost(1) },
    { atMs: 3_000, message: lost(10) },
  ],
};

function textIn(page: string): string {
  const [, text = ""] = /id="recording">([^<]*)(?:<|$)/.exec(page) ?? [];
  return text;
}

describe("a recording in its page", () => {
  it("comes back as it was, and cannot end its element", () => {
    const page = renderRecording(template, recording);
    expect(page.match(/<\/script>/g)).toHaveLength(1);
    expect(readRecording(textIn(page))).toEqual({ recording, warnings: [] });
    expect(() => renderRecording("<html></html>", recording)).toThrow("no place for a recording");
  });

  it("of which the end is missing is shown as far as it goes, and says so", () => {
    const text = textIn(renderRecording(template, recording));
    for (let length = 0; length < text.length; length++) {
      const read = readRecording(text.slice(0, length));
      if (read.recording === undefined) expect(read.problem).not.toBe("");
      else {
        expect(read.warnings[0]).toMatch(/^The recording is cut short/);
        expect(recording.messages.slice(0, read.recording.messages.length)).toEqual(read.recording.messages);
      }
    }
    const most = readRecording(text.slice(0, -4));
    expect(most.recording?.messages.length).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ["", "There is no recording in this page."],
    ["[]", "This is not a recording of Holdfast."],
    [
      `${textIn(renderRecording(template, recording)).split("\n")[0]!}\n{"atMs":0,"mess`,
      "The recording is cut short before its first message.",
    ],
    ["{", "The recording cannot be read: it is no JSON, or cut short at its very beginning."],
    [
      JSON.stringify({ ...recording, version: 2 }),
      "The recording has version 2 of the format; this page knows version 1.",
    ],
    [JSON.stringify({ ...recording, format: "other" }), "This is not a recording of Holdfast."],
    [JSON.stringify({ ...recording, startedAt: "then" }), "The recording's startedAt is not what it should be."],
    [
      JSON.stringify({ ...recording, messages: [{ atMs: 0, message: { type: "?" } }] }),
      "The recording has no message that could be shown.",
    ],
  ])("%s is refused", (text, problem) => {
    expect(readRecording(text)).toEqual({ problem });
  });

  it("says what was left out of it, and what repeats it", () => {
    const read = readRecording(
      textIn(
        renderRecording(template, { ...recording, command: "again --seed 7", omitted: { states: 40, events: 9 } }),
      ),
    );
    expect(read.recording).toMatchObject({ command: "again --seed 7", omitted: { states: 40, events: 9 } });
    expect(read).toMatchObject({
      warnings: [expect.stringContaining("40 states between others and the 9 oldest events")],
    });
    const odd = readRecording(JSON.stringify({ ...recording, command: 7, omitted: "much" }));
    expect(odd).toEqual({ recording, warnings: [] });
  });

  it("is shown without what is wrong in it", () => {
    const messages = [...recording.messages, { atMs: 9, message: { type: "new" } }, { message: hello }, 7];
    const read = readRecording(JSON.stringify({ ...recording, messages: messages.slice(0, 5) }));
    expect(read.recording?.messages).toEqual(recording.messages);
    expect(read).toMatchObject({
      warnings: [
        expect.stringMatching(/^2 of its messages cannot be shown, or not whole: a message of the unknown type new;/),
      ],
    });
    expect(readRecording(JSON.stringify({ ...recording, messages }))).toMatchObject({
      problem: "The recording's messages[5] is not what it should be.",
    });
  });

  it("has no moment that no clock shows", () => {
    const times = ["-1", "1e999", "1e300", '"1"', "null"];
    const messages = times.map((atMs) => `{"atMs":${atMs},"message":${JSON.stringify(lost(1))}}`);
    const head = `{"format":"holdfast-recording","version":1,"title":"t","startedAt":1,"durationMs":1e300,"messages":[`;
    const read = readRecording(`${head}${[JSON.stringify(recording.messages[0]), ...messages].join()}]}`);
    expect(read.recording?.messages).toHaveLength(1);
    expect(read.recording?.durationMs).toBe(366 * 86_400_000);
    for (const startedAt of ["1e300", "1e999", "-8.65e15"]) {
      expect(readRecording(`${head}]}`.replace('"startedAt":1', `"startedAt":${startedAt}`))).toEqual({
        problem: "The recording's startedAt is not what it should be.",
      });
    }
  });

  it("of which any bytes are others is read, or refused with a reason, and can be played", () => {
    const text = textIn(renderRecording(template, recording));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(text.length), fc.string({ unit: "binary-ascii", maxLength: 6 })), { maxLength: 4 }),
        (changes) => {
          let changed = text;
          for (const [at, by] of changes) changed = changed.slice(0, at) + by + changed.slice(at + by.length);
          const read = readRecording(changed);
          if (read.recording === undefined) {
            expect(read.problem).not.toBe("");
            return;
          }
          const player = createPlayer(read.recording, new LiveModel());
          for (const at of [0, player.durationMs, player.durationMs / 2]) player.seek(at);
          expect(Number.isFinite(player.positionMs)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("is played to any moment, also back", () => {
    const model = new LiveModel();
    const player = createPlayer(recording, model);
    const lostAt = (positionMs: number): number | null | undefined => {
      player.seek(positionMs);
      return model.log.lost.get("</script><b>");
    };
    expect([5_000, 999, 1_000, 2_999, 3_000, -7, 99_999].map(lostAt)).toEqual([11, undefined, 1, 1, 11, undefined, 11]);
    expect(player.positionMs).toBe(5_000);
  });
});
