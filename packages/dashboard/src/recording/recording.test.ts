import { renderRecording, type LiveMessage, type LiveRecording } from "holdfast/telemetry";
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

  it("is shown without what is wrong in it", () => {
    const messages = [...recording.messages, { atMs: 9, message: { type: "new" } }, { message: hello }, 7];
    const read = readRecording(JSON.stringify({ ...recording, messages: messages.slice(0, 5) }));
    expect(read.recording?.messages).toEqual(recording.messages);
    expect(read).toMatchObject({
      warnings: [expect.stringMatching(/^2 of its messages cannot be shown: a message of the unknown type new;/)],
    });
    expect(readRecording(JSON.stringify({ ...recording, messages }))).toMatchObject({
      problem: "The recording's messages[5] is not what it should be.",
    });
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
