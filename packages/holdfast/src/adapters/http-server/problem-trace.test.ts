import { expect, it } from "vitest";
import { traceIdOf } from "./problem-trace.ts";

const id = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";

it.each([
  [`00-${id}-${parent}-01`, id],
  [`00-${id}-${parent}-00`, id],
  // A version to come may say more.
  [`cc-${id}-${parent}-01`, id],
  [`cc-${id}-${parent}-01-what-comes`, id],
  [`00-${id}-${parent}-01-more`, undefined],
  [`cc-${id}-${parent}-01.more`, undefined],
  [`ff-${id}-${parent}-01`, undefined],
  [`00-${id.toUpperCase()}-${parent}-01`, undefined],
  [`00-${"0".repeat(32)}-${parent}-01`, undefined],
  [`00-${id}-${"0".repeat(16)}-01`, undefined],
  [`00-${id.slice(1)}-${parent}-01`, undefined],
  [`00-${id}-${parent}`, undefined],
  [` 00-${id}-${parent}-01`, undefined],
  [`cc-${id}-${parent}-01-${"x".repeat(10_000)}`, undefined],
  ["", undefined],
  [[`00-${id}-${parent}-01`], undefined],
  [undefined, undefined],
])("traceparent %j has the trace id %j", (header, expected) => {
  expect(traceIdOf(header)).toBe(expected);
});
