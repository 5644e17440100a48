import { createHash } from "node:crypto";
import vm from "node:vm";
import type { HistoryEvent } from "holdfast/proof";
import { describe, expect, it } from "vitest";
import { checkPage, type CheckPageOptions } from "./check-page.ts";
import type { PageData } from "./page-data.ts";

const hostile = `</script><script>alert(1)</script><!--"'&\u2028\u2029`;

const events: readonly HistoryEvent[] = [
  { process: 0, type: "invoke", f: `put${hostile}`, key: hostile, value: hostile, timeNs: 1_000_000 },
  { process: 0, type: "ok", f: `put${hostile}`, key: hostile, value: hostile, timeNs: 2_000_000 },
];

const options: CheckPageOptions = {
  name: `${hostile}.jsonl`,
  model: "kv",
  verdict: "violation",
  explanation: `no order explains ${hostile}\n  after ${hostile}`,
  violationLine: 1,
  highlights: [{ title: hostile, detail: hostile, lines: [1] }],
};

const page = checkPage(events, options);

function parts(pattern: RegExp): string[] {
  return [...page.matchAll(pattern)].map(([, part = ""]) => part);
}

describe("checkPage", () => {
  it("lets nothing of the history become markup", () => {
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page).not.toContain("<!--");
    const [json = ""] = parts(/<script type="application\/json" id="data">(.*?)<\/script>/gs);
    const data = JSON.parse(json) as PageData;
    expect(data.keys).toEqual([hostile]);
    expect(data.input).toEqual([JSON.stringify(hostile)]);
    expect(data.highlights[0]?.title).toBe(hostile);
  });

  it("allows its own script and style, and nothing else", () => {
    const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const [policy = ""] = parts(/Content-Security-Policy" content="([^"]*)"/g);
    const [script = ""] = parts(/<script>(.*?)<\/script>/gs);
    const [style = ""] = parts(/<style>(.*?)<\/style>/gs);
    expect(policy.split("; ")).toEqual([
      "default-src 'none'",
      `script-src ${hash(script)}`,
      `style-src ${hash(style)}`,
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(page).not.toMatch(/https?:|\ssrc=|\sstyle=|\son\w+=/);
  });

  it("has a script that is whole: all that it calls stands in it", () => {
    const [script = ""] = parts(/<script>(.*?)<\/script>/gs);
    const tools = /^const tools = .*?^\}\)\(\);$/ms.exec(script)?.[0] ?? "";
    const shown = vm.runInNewContext(`${tools} ({
      names: Object.keys(tools),
      ticks: tools.axisTicks(0, 10, 5),
      lanes: tools.lanesOf({ line: [1, 2], process: [4, 2], key: [0, 0] }, -1, -1).map((lane) => lane.process),
    })`) as { readonly names: readonly string[]; readonly ticks: readonly number[]; readonly lanes: readonly number[] };
    expect(shown.names).toEqual(["lanesOf", "firstAfter", "nearestTo", "axisTicks", "endOf", "drawTimeline"]);
    expect([...shown.ticks]).toEqual([0, 2, 4, 6, 8, 10]);
    expect([...shown.lanes]).toEqual([2, 4]);
    expect(() => new vm.Script(script)).not.toThrow();
    // A name from a module, which the page does not have.
    expect(script).not.toMatch(/import|__vi|\brequire\(/);
  });

  it("says when it does not show all", () => {
    const many = Array.from({ length: 50 }, (_, process) => ({ ...events[0]!, process }));
    const part = checkPage(many, { ...options, violationLine: 40, maxOperations: 10 });
    expect(part).toContain("50 operations; the page shows 10 of them, those of key");
  });
});
