import type { Plan, PlanStep } from "holdfast/recovery";

/** What a drill's plan is to be like. */
export interface DrillPlanShape {
  /** Of the execution; part of the keys that it writes. */
  readonly execution: string;
  /** Steps that run a command. */
  readonly steps: number;
  /** The last step fails: what was done is undone. */
  readonly fails: boolean;
  /** Where commands write down what they did. */
  readonly effectsFile: string;
  /** Asked by the last step but one. Undefined: there is none. */
  readonly healthUrl: string | undefined;
}

export const signOff = "sign-off";

export const workOf = (number: number): string => `work-${number}`;
const undoOf = (number: number): string => `undo-${workOf(number)}`;

/** The key that a plan's configuration update writes: once, whatever happens. */
export const modeKey = (execution: string): string => `drill/plan/${execution}/mode`;

/** A step goes on for a while after its effect: whoever dies meanwhile cannot have recorded it. */
const script = `const [file, what] = process.argv.slice(1);
require("node:fs").appendFileSync(file, JSON.stringify({ what, at: Date.now() }) + "\\n");
setTimeout(() => {}, 150);`;

/**
 * A plan whose steps do real things, one after the other: change a key, run commands, ask a member whether it is well. It
 * waits for an approval first, so that whoever is to take over stands by when it begins.
 */
export function drillPlan({ execution, steps, fails, effectsFile, healthUrl }: DrillPlanShape): Plan {
  const command = (what: string): { readonly command: readonly string[] } => ({
    command: [process.execPath, "-e", script, effectsFile, what],
  });
  const numbers = Array.from({ length: steps }, (_, at) => at + 1);
  const inOrder: Omit<PlanStep, "dependsOn">[] = [
    { id: signOff, type: "approval" },
    { id: "mode", type: "configuration-update", parameters: { key: modeKey(execution), value: "recovering" } },
    ...numbers.map((number) => ({
      id: workOf(number),
      type: "command",
      parameters: command(workOf(number)),
      rollback: undoOf(number),
    })),
    ...(healthUrl === undefined
      ? []
      : [
          {
            id: "answers",
            type: "health-check",
            parameters: { url: healthUrl },
            // It may be down itself: that is what others strike.
            retry: { attempts: 20, baseDelay: "200ms", maxDelay: "1s" },
          },
        ]),
    ...(fails
      ? [
          {
            id: "fails",
            type: "command",
            parameters: { command: [process.execPath, "-e", "process.exit(1)"] },
            rollback: "none",
          },
        ]
      : []),
  ];
  return {
    id: "drill",
    steps: inOrder.map((step, at) => ({
      ...step,
      ...(at === 0 ? {} : { dependsOn: [inOrder[at - 1]!.id] }),
    })),
    rollbackSteps: numbers.map((number) => ({
      id: undoOf(number),
      type: "command",
      parameters: command(undoOf(number)),
    })),
  };
}
