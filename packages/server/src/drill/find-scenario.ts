import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { DrillScenario } from "holdfast/proof";
import { environmentError, usageError } from "../cli/exit.ts";
import { nearest } from "../cli/parse-line.ts";
import { timerPresets } from "../supervisor/cluster-plan.ts";
import { drills } from "./catalog.ts";
import { chaosName } from "./chaos-scenario.ts";
import { readScenario } from "./read-scenario.ts";

/** A built-in drill, or what a file says. @throws ExitError */
export function findScenario(name: string): DrillScenario {
  const drill = drills.find((candidate) => candidate.name === name);
  if (drill !== undefined) return drill;
  if (!/\.(ya?ml|json)$/.test(name)) throw unknownDrill(name);
  let written: string;
  try {
    written = readFileSync(name, "utf8");
  } catch (error) {
    throw environmentError(`${name} cannot be read: ${(error as Error).message}`, error);
  }
  return checkStage(readScenario(written, basename(name)), name);
}

/** @throws ExitError (usage) */
function checkStage(scenario: DrillScenario, file: string): DrillScenario {
  const { kind = "cluster", nodes = 3, timers = "standard", ...others } = scenario.stage;
  const [stranger] = Object.keys(others);
  const refuse = (rule: string): never => {
    throw usageError(`${file}: stage.${rule}`);
  };
  if (stranger !== undefined) refuse(`${stranger} is no option; there are kind, nodes, timers`);
  if (kind !== "cluster" && kind !== "dependency") {
    refuse(`kind must be "cluster" or "dependency" (got ${JSON.stringify(kind)})`);
  }
  if (!(Number.isInteger(nodes) && Number(nodes) >= 1 && Number(nodes) <= 7)) {
    refuse(`nodes must be an integer 1..7 (got ${JSON.stringify(nodes)})`);
  }
  if (!timerPresets.some((preset) => preset === timers)) {
    refuse(`timers must be one of ${timerPresets.join(", ")} (got ${JSON.stringify(timers)})`);
  }
  return scenario;
}

function unknownDrill(name: string): Error {
  const names = [...drills.map((drill) => drill.name), chaosName];
  const hint = nearest(name, names);
  return usageError(
    `unknown drill ${JSON.stringify(name)}; ${hint === undefined ? `there are ${names.join(", ")}` : `did you mean ${hint}?`}`,
  );
}
