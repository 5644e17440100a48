import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { renderEventsPage } from "./events-page.ts";

it("docs/events.md is what the source says: node --conditions=source scripts/events-page.ts writes it", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/events.md"), "utf8");
  expect(page).toBe(renderEventsPage());
  expect(page).toContain("| `memberFailed` | `member`, `host`, `port`, `incarnation`, `from`, `lastHeardMs` |");
});
