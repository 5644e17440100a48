import { brokenRule } from "./parameter-rule.ts";
import type { JsonValue, Plan } from "./plan.ts";
import { PlanError, Problems, shown } from "./plan-error.ts";
import { anything, isObject, join } from "./plan-shape.ts";

const maxBytes = 64 * 1024;

/**
 * What an execution is told, with the plan's defaults.
 *
 * @throws PlanError PLAN_PARAMETERS_INVALID for one that is unknown, missing or of another type
 */
export function planParameters(plan: Plan, given: unknown): { readonly [name: string]: JsonValue } {
  const problems = new Problems();
  const declared = plan.parameters ?? {};
  const values = new Map<string, JsonValue>();
  if (!isObject(given)) problems.add("parameters", `must be an object (got ${shown(given)})`);
  else {
    for (const [name, value] of Object.entries(given)) {
      const path = join("parameters", name);
      const parameter = Object.hasOwn(declared, name) ? declared[name] : undefined;
      const before = problems.list.length;
      if (parameter === undefined) {
        problems.add(path, `unknown parameter; there are ${Object.keys(declared).join(", ") || "none"}`);
      } else anything.check(value, path, problems);
      if (problems.list.length > before) continue;
      const broken = brokenRule({ type: parameter?.type ?? "any" }, value as JsonValue);
      if (broken === undefined) values.set(name, value as JsonValue);
      else problems.add(path, `${broken} (got ${shown(value)})`);
    }
    for (const [name, parameter] of Object.entries(declared)) {
      if (Object.hasOwn(given, name)) continue;
      if (parameter.default === undefined) problems.add(join("parameters", name), "is missing");
      else values.set(name, parameter.default);
    }
  }
  const parameters = Object.fromEntries(values);
  if (JSON.stringify(parameters).length > maxBytes)
    problems.add("parameters", `must not be larger than ${maxBytes} bytes`);
  if (problems.list.length > 0) throw new PlanError("PLAN_PARAMETERS_INVALID", { problems: problems.list });
  return parameters;
}
