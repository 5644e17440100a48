import { createMember, type Coordination, type Member, type TxnRequest } from "holdfast/coordination";
import {
  createOrchestrator,
  customExecutor,
  planDesk,
  type ExecutionReport,
  type Plan,
  type PlanEvent,
  type StepContext,
} from "holdfast/recovery";
import { simulate, simulationReport, type Runtime, type SimulationReport, type World } from "holdfast/runtime";
import { LockFaults } from "../locks/lock-faults.ts";
import { hosts } from "../locks/lock-scene.ts";
import { PlanLedger, type PlanTally } from "./plan-ledger.ts";

/** Mistakes that the run has to find: records that are not fenced, and actions before their record is there. */
export type PlanBug = "unfenced" | "acts-too-early";

export interface PlanRunOptions {
  readonly seed: number;
  readonly plant?: PlanBug;
  /** How long processes work under faults, in virtual time. */
  readonly virtualMs: number;
}

export interface PlanRunResult extends SimulationReport {
  readonly tally: PlanTally | undefined;
  readonly executions: number;
  /** Undefined when all went well. */
  readonly violation: string | undefined;
}

const steps: Plan["steps"] = [
  { id: "a", type: "work" },
  { id: "b", type: "work", dependsOn: ["a"], retry: { attempts: 3 } },
  { id: "c", type: "work", dependsOn: ["a"] },
  { id: "d", type: "work", dependsOn: ["b", "c"], parameters: { from: "${steps.b.output.by}" } },
];
const plans: readonly Plan[] = [
  { id: "good", steps },
  { id: "bad", steps: [...steps, { id: "e", type: "broken", dependsOn: ["d"], rollback: "none" }] },
];

interface PlanScene {
  readonly world: World;
  readonly ledger: PlanLedger;
  readonly members: Map<string, Member>;
  readonly plant: PlanBug | undefined;
  /** Executions that were asked for; whether each was recorded is not known to who died asking. */
  readonly asked: string[];
  ending: boolean;
  failure: Error | undefined;
}

/**
 * A cluster of three, a member and an orchestrator in each of three processes, which execute plans while processes are
 * killed, paused and cut off. In the end all is left in peace, and every execution must have ended as it should.
 */
export async function runPlans(options: PlanRunOptions): Promise<PlanRunResult> {
  let scene: PlanScene | undefined;
  const result = (report: SimulationReport, violation: string | undefined): PlanRunResult => ({
    ...report,
    tally: scene?.ledger.tally,
    executions: scene?.asked.length ?? 0,
    violation,
  });
  try {
    const report = await simulate(
      { seed: options.seed, clock: { maxSkewMs: 1_000, maxDriftPpm: 500 }, maxVirtualMs: 1e9, maxSteps: 1e12 },
      async (world) => {
        const ledger = new PlanLedger(world);
        scene = {
          world,
          ledger,
          members: new Map(),
          plant: options.plant,
          asked: [],
          ending: false,
          failure: undefined,
        };
        await live(scene, options.virtualMs);
      },
    );
    return result(report, undefined);
  } catch (error) {
    const report = simulationReport(error);
    if (report === undefined) throw error;
    return result(report, (error as Error).message);
  }
}

async function live(scene: PlanScene, virtualMs: number): Promise<void> {
  const { world } = scene;
  world.onStep(() => {
    if (scene.failure !== undefined) throw scene.failure;
  });
  const faults = new LockFaults(world, 1, (host) => start(scene, host));
  for (const host of hosts) start(scene, host);
  await faults.rage(virtualMs);
  faults.stop();
  scene.ending = true;
  await world.clock.sleep(60_000);
  const member = scene.members.get("a")!;
  const desk = planDesk(member);
  for (const id of scene.asked) {
    for (let leftMs = 300_000; ; leftMs -= 1_000) {
      const report = await desk.status(id).catch(() => undefined);
      // Whoever asked for it died before it was recorded.
      if (report === undefined) break;
      if (["completed", "failed", "cancelled"].includes(report.status)) {
        judge(scene, report);
        break;
      }
      if (leftMs <= 0) throw new Error(`${id} does not end: ${JSON.stringify(report)}`);
      await world.clock.sleep(1_000);
    }
  }
}

/** @throws Error when an execution has not ended as it should */
function judge(
  { ledger }: PlanScene,
  { id, planId, status, completed, rollback, inDoubt, notUndone }: ExecutionReport,
): void {
  ledger.tally[status as "completed" | "failed" | "cancelled"]++;
  const effects = ledger.effectsOf(id);
  const done = effects.filter((effect) => effect.startsWith("do ")).map((effect) => effect.slice(3));
  const undone = effects.filter((effect) => effect.startsWith("undo ")).map((effect) => effect.slice(5));
  const same = (left: readonly string[], right: readonly string[]): boolean => left.join() === right.join();
  const fail = (what: string): never => {
    throw new Error(`${id} (${status}): ${what}: ${effects.join(", ")}; completed ${completed.join(", ")}`);
  };
  if (status === "completed" && (planId === "bad" || undone.length > 0)) fail("should have failed");
  if (!completed.every((step) => done.includes(step))) fail("completed what was not done");
  const doubtful = done.filter((step) => !completed.includes(step));
  if (!doubtful.every((step) => inDoubt.includes(step))) fail(`done, not recorded and not in doubt`);
  if (status === "completed") return;
  if (notUndone.length > 0) fail(`not undone: ${notUndone.join(", ")}`);
  if (!same(undone, completed.toReversed())) fail("not undone in reverse order of completion");
  ledger.tally.undone += undone.length;
  if (Object.keys(rollback).length !== completed.length) fail("undid something else");
}

function start(scene: PlanScene, host: string): void {
  scene.world.process(host).start(async (runtime) => {
    const member = await createMember({
      runtime,
      name: host,
      directory: "/data",
      peer: { host, port: 2380 },
      cluster: { name: "plans", members: hosts.map((name) => ({ name, peer: { host: name, port: 2380 } })) },
      clientUrls: [],
      httpUrls: [],
    });
    scene.members.set(host, member);
    work(scene, host, member, runtime).catch((error: unknown) => (scene.failure = error as Error));
  });
}

async function work(scene: PlanScene, host: string, member: Member, { clock, random }: Runtime): Promise<void> {
  const { ledger } = scene;
  const act = async (what: "do" | "undo", context: StepContext): Promise<unknown> => {
    const { executionId, stepId, fencingToken, signal } = context;
    if (!ledger.admit(executionId, fencingToken)) throw new Error("overtaken");
    await clock.sleep(random.integer(10, 2_000), { signal });
    if (random.next() < 0.05 && stepId === "b" && what === "do") throw new Error("not this time");
    try {
      ledger.apply(executionId, `${what} ${stepId}`, fencingToken);
    } catch (error) {
      scene.failure = error as Error;
    }
    return { by: stepId };
  };
  const orchestrator = createOrchestrator({
    coordination: withBug(member, scene.plant),
    executors: [
      customExecutor("work", (context) => act("do", context), { rollback: (context) => act("undo", context) }),
      customExecutor("broken", () => {
        throw new Error("broken");
      }),
    ],
    name: host,
    ttlSeconds: 3,
    maxInterruptions: 1_000,
    clock,
    random,
    onEvent: (event) => look(scene, event),
  });
  for (const plan of plans) orchestrator.register(plan);
  for (let number = 1; ; number++) {
    await clock.sleep(random.integer(100, 8_000));
    if (scene.ending) return;
    const id = `${host}-${Math.floor(clock.now())}-${number}`;
    scene.asked.push(id);
    try {
      await orchestrator.execute(random.next() < 0.5 ? "good" : "bad", { id });
      if (random.next() > 0.3) continue;
      await clock.sleep(random.integer(0, 4_000));
      await orchestrator.cancel(id, { by: host });
    } catch {
      // What was not recorded, or is over, says so in the end.
    }
  }
}

/** Spoils what orchestrators record: the transactions that put a state on condition of a claim. */
function withBug(member: Member, bug: PlanBug | undefined): Coordination {
  if (bug === undefined) return member;
  const isRecord = ({ compare }: TxnRequest): boolean => compare.length === 2 && compare[1]!.target === "mod";
  const txn: Coordination["txn"] = async (request, options) => {
    if (!isRecord(request)) return await member.txn(request, options);
    if (bug === "unfenced") return await member.txn({ ...request, compare: [] }, options);
    const { header } = await member.range({ key: new Uint8Array(1), serializable: true }, options);
    member.txn({ ...request, compare: request.compare.slice(0, 1) }).catch(() => undefined);
    return { succeeded: true, responses: [], header };
  };
  const spoiled = Object.create(member) as Member;
  return Object.assign(spoiled, {
    txn,
    range: member.range.bind(member),
    watch: member.watch.bind(member),
    leaseGrant: member.leaseGrant.bind(member),
    leaseKeepAlive: member.leaseKeepAlive.bind(member),
    leaseRevoke: member.leaseRevoke.bind(member),
  });
}

function look(scene: PlanScene, event: PlanEvent): void {
  try {
    if (event.type === "takenOver") scene.ledger.tally.takeovers++;
    if (event.type === "stepCompleted") scene.ledger.recorded(event.execution, `do ${event.step}`);
    if (event.type === "undoCompleted") scene.ledger.recorded(event.execution, `undo ${event.step}`);
  } catch (error) {
    scene.failure = error as Error;
  }
}
