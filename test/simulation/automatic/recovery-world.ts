import { createMember, type Coordination, type Member, type TxnRequest } from "holdfast/coordination";
import {
  createAutomaticRecovery,
  type AutomaticRecovery,
  type RecoveryContext,
  type RecoverySnapshot,
} from "holdfast/recovery";
import { simulate, simulationReport, type Runtime, type SimulationReport, type World } from "holdfast/runtime";
import { LockFaults } from "../locks/lock-faults.ts";
import { hosts } from "../locks/lock-scene.ts";
import { Patients, type PatientTally } from "./patients.ts";

export interface RecoveryRunOptions {
  readonly seed: number;
  /** A mistake that the run has to find: actions before their record is there. */
  readonly plant?: "acts-too-early";
  /** How long processes work under faults, in virtual time. */
  readonly virtualMs: number;
}

export interface RecoveryRunResult extends SimulationReport {
  readonly tally: PatientTally | undefined;
  /** Undefined when all went well. */
  readonly violation: string | undefined;
}

/** Few, so that the ceiling is reached; the window is longer than any run. */
const maxAttempts = 5;
const attemptWindowMs = 100 * 3_600_000;

interface RecoveryScene {
  readonly world: World;
  readonly patients: Patients;
  readonly recoveries: Map<string, AutomaticRecovery>;
  readonly plant: RecoveryRunOptions["plant"];
  ending: boolean;
  failure: Error | undefined;
}

/**
 * A cluster of three, a member and an automatic recovery in each of three processes, while things break, and processes
 * are killed, paused and cut off. In the end all is left in peace: then everything is well, or a person is wanted.
 */
export async function runRecoveries(options: RecoveryRunOptions): Promise<RecoveryRunResult> {
  let scene: RecoveryScene | undefined;
  const result = (report: SimulationReport, violation: string | undefined): RecoveryRunResult => ({
    ...report,
    tally: scene?.patients.tally,
    violation,
  });
  try {
    const report = await simulate(
      { seed: options.seed, clock: { maxSkewMs: 1_000, maxDriftPpm: 500 }, maxVirtualMs: 1e9, maxSteps: 1e12 },
      async (world) => {
        const patients = new Patients(world, maxAttempts);
        const { plant } = options;
        scene = { world, patients, recoveries: new Map(), plant, ending: false, failure: undefined };
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

async function live(scene: RecoveryScene, virtualMs: number): Promise<void> {
  const { world, patients } = scene;
  world.onStep(() => {
    if (scene.failure !== undefined) throw scene.failure;
  });
  const faults = new LockFaults(world, 1, (host) => start(scene, host));
  for (const host of hosts) start(scene, host);
  await faults.rage(virtualMs);
  faults.stop();
  scene.ending = true;
  for (let leftMs = 600_000; ; leftMs -= 1_000) {
    await world.clock.sleep(1_000);
    const snapshot = await scene.recoveries
      .get("a")
      ?.snapshot()
      .catch(() => undefined);
    const why = snapshot === undefined ? "nobody answers" : unfinished(patients, snapshot);
    if (why === undefined) {
      judge(patients, snapshot!);
      patients.tally.personsWanted = snapshot!.personsWanted.length;
      return;
    }
    if (leftMs <= 0) throw new Error(`is not brought to an end: ${why}`);
  }
}

/** Why it is not over: something is broken that nobody was called for. */
function unfinished(patients: Patients, { open, personsWanted }: RecoverySnapshot): string | undefined {
  const wanted = new Set(personsWanted.map(({ target }) => target));
  const broken = patients.names.find((name) => patients.isBroken(name) && !wanted.has(name));
  if (broken !== undefined) return `${broken} is broken`;
  const task = open.find(({ target }) => !wanted.has(target));
  return task && `${task.target} is ${task.status}: ${JSON.stringify(task.record.slice(-3))}`;
}

/** @throws Error for a record in which something is missing, or is there twice */
function judge(patients: Patients, { open, closed }: RecoverySnapshot): void {
  const recorded = new Set(
    [...open, ...closed].flatMap(({ id, attemptCount }) =>
      Array.from({ length: attemptCount }, (_, at) => `${id}-${at + 1}`),
    ),
  );
  const unknown = patients.keys.find((key) => !recorded.has(key));
  if (unknown !== undefined) throw new Error(`${unknown} was begun, and is not recorded`);
  for (const { target, record, attempts, attemptCount, omittedEntries } of [...open, ...closed]) {
    const started = record.filter(({ decision }) => decision === "started").length;
    if (omittedEntries === 0 && started !== attemptCount) {
      throw new Error(`${target}: ${started} attempts are recorded as begun, ${attemptCount} are counted`);
    }
    if (record[0]?.decision !== "accepted") throw new Error(`${target}: its record has no beginning`);
    for (const [at, { number }] of attempts.entries()) {
      if (number !== at + 1) throw new Error(`${target}: attempt ${at + 1} has the number ${number}`);
    }
    if (record.some(({ at: when }, at) => at > 0 && when < (record[at - 1]?.at ?? 0) - 10_000)) {
      throw new Error(`${target}: its record goes back in time`);
    }
  }
}

function start(scene: RecoveryScene, host: string): void {
  scene.world.process(host).start(async (runtime) => {
    const member = await createMember({
      runtime,
      name: host,
      directory: "/data",
      peer: { host, port: 2380 },
      cluster: { name: "recovery", members: hosts.map((name) => ({ name, peer: { host: name, port: 2380 } })) },
      clientUrls: [],
      httpUrls: [],
    });
    work(scene, host, member, runtime).catch((error: unknown) => (scene.failure = error as Error));
  });
}

async function work(scene: RecoveryScene, host: string, member: Member, { clock, random }: Runtime): Promise<void> {
  const { patients } = scene;
  const run = async ({ task, idempotencyKey, fencingToken = 0, signal }: RecoveryContext): Promise<void> => {
    await clock.sleep(random.integer(0, 3), { signal });
    try {
      if (!patients.begin(task.target, idempotencyKey, fencingToken)) throw new Error("overtaken");
    } catch (error) {
      if ((error as Error).message !== "overtaken") scene.failure ??= error as Error;
      throw error;
    }
    await clock.sleep(random.integer(10, 2_000), { signal });
    if (random.next() < 0.4) throw new Error("not this time");
    patients.repair(task.target, fencingToken);
  };
  const recovery = createAutomaticRecovery({
    coordination: withBug(member, scene.plant),
    strategies: [{ name: "repair", handles: ["broken"], run }],
    verify: ({ target }) => !patients.isBroken(target),
    verifyMs: 2_000,
    backoffMs: 300,
    maxBackoffMs: 1_000,
    coolDownMs: 1_000,
    maxAttempts,
    attemptWindowMs,
    maxInterruptions: 1_000,
    maxRunning: 10,
    ttlSeconds: 3,
    name: host,
    clock,
    random,
    onDecision: ({ decision }) => {
      if (decision === "startedAgain") patients.tally.takeovers++;
    },
  });
  scene.recoveries.set(host, recovery);
  for (;;) {
    await clock.sleep(random.integer(500, 4_000));
    const name = patients.names[random.integer(0, patients.names.length - 1)]!;
    if (!scene.ending && random.next() < 0.8) patients.break(name);
    // As a detector does: everything that it finds, again and again.
    for (const each of patients.names) {
      if (patients.isBroken(each)) recovery.report({ type: "broken", target: each }).catch(() => undefined);
    }
  }
}

/** Spoils what the one that acts records: the transactions that apply while it leads. */
function withBug(member: Member, bug: RecoveryRunOptions["plant"]): Coordination {
  if (bug === undefined) return member;
  const txn: Coordination["txn"] = async (request, options) => {
    const { compare, success } = request;
    if (compare.length !== 1 || !isRecord(success)) return await member.txn(request, options);
    const { header } = await member.range({ key: new Uint8Array(1), serializable: true }, options);
    member.txn(request).catch(() => undefined);
    return { succeeded: true, responses: [], header };
  };
  const spoiled = Object.create(member) as Member;
  return Object.assign(spoiled, {
    txn,
    put: member.put.bind(member),
    range: member.range.bind(member),
    watch: member.watch.bind(member),
    leaseGrant: member.leaseGrant.bind(member),
    leaseKeepAlive: member.leaseKeepAlive.bind(member),
    leaseRevoke: member.leaseRevoke.bind(member),
  });
}

function isRecord(operations: TxnRequest["success"]): boolean {
  return operations.some(
    (each) =>
      each.type === "put" && new TextDecoder().decode(each.request.key).startsWith("recovery/automatic/targets/"),
  );
}
