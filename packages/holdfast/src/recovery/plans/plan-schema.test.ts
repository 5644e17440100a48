import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { planSchema } from "./plan-schema.ts";

const published = join(import.meta.dirname, "../../../../../docs/recovery-plan.schema.json");

it("the published schema is the one that plans are checked by", () => {
  // `npx holdfast plan schema > docs/recovery-plan.schema.json` writes it anew.
  expect(JSON.parse(readFileSync(published, "utf8"))).toEqual(JSON.parse(JSON.stringify(planSchema)));
});
