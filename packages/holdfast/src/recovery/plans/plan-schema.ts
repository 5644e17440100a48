import { planLimits } from "./plan.ts";
import {
  anything,
  duration,
  integer,
  list,
  nameShape,
  number,
  object,
  oneOf,
  record,
  text,
  type JsonSchema,
  type Shape,
} from "./plan-shape.ts";

const retry = object(
  { attempts: integer(1, 100), baseDelay: duration, multiplier: number(1, 100), maxDelay: duration },
  [],
);

const action = {
  id: nameShape,
  name: text(200),
  type: nameShape,
  parameters: record(anything),
  timeout: duration,
  retry,
};

const step = object({ ...action, dependsOn: list(nameShape, 0, planLimits.maxSteps), rollback: nameShape }, [
  "id",
  "type",
]);

const parameter = object(
  { type: oneOf(["text", "number", "flag", "any"]), description: text(2_000), default: anything },
  [],
);

/** What a plan must look like, before anything is said about what its names mean. */
export const planShape: Shape = object(
  {
    id: nameShape,
    name: text(200),
    description: text(10_000),
    parameters: record(parameter),
    timeout: duration,
    concurrency: integer(1, 64),
    steps: list(step, 1, planLimits.maxSteps),
    rollbackSteps: list(object(action, ["id", "type"]), 0, planLimits.maxSteps),
  },
  ["id", "steps"],
);

/** For editors and other tools; what it cannot say (cycles, unknown names) is checked when a plan is registered. */
export const planSchema: JsonSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Holdfast recovery plan",
  ...planShape.schema,
};
