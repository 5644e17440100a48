import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { checkInteger, checkOneOf, checkOptionNames, InvalidArgumentError } from "holdfast/errors/base";
import { maxMembers } from "holdfast/coordination";
import type { DrillScenario } from "holdfast/proof";
import { environmentError, usageError } from "../cli/exit.ts";
import { nearest } from "../cli/parse-line.ts";
import { timerPresets } from "../supervisor/cluster-plan.ts";
import { drills } from "./catalog.ts";
import { chaosName } from "./chaos-scenario.ts";
import { readScenario, type FoundScenario } from "./read-scenario.ts";
import { serviceStageNames } from "./service/service-settings.ts";

/** A built-in drill, or what a file says. @throws ExitError */
export function findScenario(name: string): FoundScenario {
  const drill = drills.find((candidate) => candidate.name === name);
  if (drill !== undefined)
    return { scenario: drill, refuse: (error) => usageError(`${name}: ${(error as Error).message}`) };
  if (!/\.(ya?ml|json)$/.test(name)) throw unknownDrill(name);
  let written: string;
  try {
    written = readFileSync(name, "utf8");
  } catch (error) {
    throw environmentError(`${name} cannot be read: ${(error as Error).message}`, error);
  }
  const found = readScenario(written, basename(name));
  try {
    checkStage(found.scenario.stage);
  } catch (error) {
    throw found.refuse(error);
  }
  return found;
}

const stageNames = {
  cluster: ["kind", "nodes", "timers", "snapshotEntries"],
  dependency: ["kind", "protected"],
  service: serviceStageNames,
} as const;

/** @throws InvalidArgumentError */
function checkStage(stage: DrillScenario["stage"]): void {
  const { kind = "cluster", nodes = 3, timers = "standard", protected: isProtected = true } = stage;
  checkOneOf("stage.kind", kind, ["cluster", "dependency", "service"]);
  checkOptionNames("stage", stage, stageNames[kind as keyof typeof stageNames]);
  if (typeof isProtected !== "boolean") {
    throw new InvalidArgumentError("stage.protected", "must be true or false", isProtected);
  }
  checkInteger("stage.nodes", nodes, 1, maxMembers);
  checkInteger("stage.snapshotEntries", stage["snapshotEntries"] ?? 1, 1, 1e9);
  checkOneOf("stage.timers", timers, timerPresets);
}

function unknownDrill(name: string): Error {
  const names = [...drills.map((drill) => drill.name), chaosName];
  const hint = nearest(name, names);
  return usageError(
    `unknown drill ${JSON.stringify(name)}; ${hint === undefined ? `there are ${names.join(", ")}` : `did you mean ${hint}?`}`,
  );
}
