import { hostname } from "node:os";
import { createOrchestrator, type Orchestrator } from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { planExecutors } from "../plans/plan-executors.ts";
import { planPaths } from "../plans/plan-paths.ts";
import { describeFact } from "../plans/render-plan.ts";
import { readServicesFile, type ServicesFile } from "../plans/services-file.ts";
import { describeServiceEvent } from "../plans/render-service.ts";
import type { IdentityValues } from "./client-options.ts";
import { exitCodes, failure, type ExitCode } from "./exit.ts";
import { connectHome } from "./plan-home.ts";
import { readPlanFile } from "./read-plan-file.ts";
import { aborted, stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

export interface WorkerOptions extends IdentityValues {
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
  readonly plans: readonly string[];
  readonly allow: readonly string[] | undefined;
  readonly environment: readonly string[] | undefined;
  readonly files: readonly string[];
  readonly services: string | undefined;
  readonly ttlSeconds: number;
  readonly drainMs: number;
  readonly json: boolean;
}

/** Runs what executions there are, and services, until it is told to stop. */
export async function runWorker(options: WorkerOptions, terminal: Terminal): Promise<ExitCode> {
  const { allow = [], environment, files, ttlSeconds, json } = options;
  const say = (text: string): void => terminal.err(`${new Date().toISOString().slice(11, 23)}  ${text}`);
  const services =
    options.services === undefined
      ? undefined
      : readServicesFile(options.services, (event) => say(describeServiceEvent(event)));
  const { coordination, runtime } = await connectHome(options, "worker");
  const stop = stopSignal();
  const name = `${hostname().slice(0, 48)}-${process.pid}`;
  let orchestrator: Orchestrator | undefined;
  try {
    // Services are asked in clear, however the cluster is.
    const { network } = nodeRuntime();
    const rights = { allow, environment, roots: files, services: services?.control };
    const executors = planExecutors(coordination, network, rights);
    const plans = planPaths(options.plans).map((path) => readPlanFile(path, executors, terminal, false));
    if (plans.includes(undefined)) throw failure("not all of its plans can be run here");
    await startServices(services, stop, say);
    orchestrator = createOrchestrator({
      coordination,
      executors,
      name,
      ttlSeconds,
      clock: runtime.clock,
      random: runtime.random,
      onEvent: (event) => say(`${event.execution}  ${describeFact(event)}`),
      onError: (error, execution) => {
        const text = error instanceof Error ? error.message : String(error);
        say(terminal.styleErr("red", execution === undefined ? text : `${execution}  left to others: ${text}`));
      },
    });
    const known = plans.flatMap((plan) => (plan === undefined ? [] : [plan.document]));
    for (const plan of known) orchestrator.register(plan);
    const ids = known.map(({ id }) => id);
    if (json) terminal.document({ ready: true, name, pid: process.pid, plans: ids });
    else terminal.out(`${name} is ready${ids.length === 0 ? "" : `; plans: ${ids.join(", ")}`}`);
    say(`${String(await aborted(stop))}: ending what is under way, at most ${options.drainMs} ms`);
    await orchestrator.drain({ signal: AbortSignal.timeout(options.drainMs) }).catch(() => {
      say("not all of it has ended: others do it again");
    });
    return exitCodes.ok;
  } finally {
    await orchestrator?.close();
    await services?.supervisor?.close();
    await coordination.close();
  }
}

/** One that does not get ready is told, and tried again: a plan may be what mends it. */
async function startServices(
  services: ServicesFile | undefined,
  stop: AbortSignal,
  say: (text: string) => void,
): Promise<void> {
  const { supervisor } = services ?? {};
  await supervisor?.start(undefined, { signal: stop }).catch((error: unknown) => {
    if (!stop.aborted) say((error as Error).message);
  });
}
