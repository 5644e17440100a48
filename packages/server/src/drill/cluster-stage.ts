import { checkOneOf, InvalidArgumentError } from "holdfast/errors/base";
import {
  checkLinearizable,
  formatHistory,
  historyRecorder,
  keyValue,
  type DrillFaultPlan,
  type DrillScenario,
  type DrillStage,
  type StageContext,
  type StageFault,
  type StageLoad,
} from "holdfast/proof";
import { nodeRuntime, seededRandom } from "holdfast/runtime";
import { gatewayClient } from "../client/gateway-client.ts";
import { clientUrl, nodeArguments, type ClusterPlan } from "../supervisor/cluster-plan.ts";
import { startMemberProcess } from "../supervisor/member-process.ts";
import { superviseCluster, type Supervisor } from "../supervisor/supervisor.ts";
import { clusterMeasures, clusterSeries, type ClusterFindings } from "./cluster-measures.ts";
import { findLeader, lookAtMembers, untilConverged } from "./cluster-watch.ts";
import { startDrilledMember, type DrilledMember } from "./drilled-member.ts";
import { readEverything } from "./final-reads.ts";
import { openPeerLinks, type PeerLinks } from "./peer-links.ts";
import { startRateLoad } from "./rate-load.ts";
import { divergedKeys } from "./replica-comparison.ts";
import { longestSilence } from "./service-gap.ts";
import { untilAcknowledged } from "./service-watch.ts";
import { strikeKinds } from "./strikes/strike-kinds.ts";
import type { StrikeKind, StrikeSite } from "./strikes/strike.ts";
import { checkMembers, chooseMembers } from "./struck-members.ts";
import { maxLoadEvents, newWorkloadRecord, startWorkload } from "./workload.ts";

export interface ClusterStageOptions {
  readonly plan: ClusterPlan;
  readonly scenario: DrillScenario;
  /** What `one` and `follower` are drawn with. */
  readonly seed: number;
  /** Gets the recorded history at the end, however it ended. */
  readonly saveHistory: (text: string) => void;
  /** Told who runs the members, before the first of them is ready. */
  readonly onSupervisor?: (supervisor: Supervisor) => void;
}

/** How long a fault looks for the leader, and how long the check of a history may take. */
const limits = { leaderMs: 10_000, checkMs: 120_000 } as const;

/** A cluster of real processes as the stage of a drill. Each member is a process; members talk through proxies if need be. */
export function clusterStage(options: ClusterStageOptions): DrillStage {
  return new ClusterStage(options);
}

class ClusterStage implements DrillStage {
  readonly #options: ClusterStageOptions;
  readonly #names: readonly string[];
  readonly #endpoints: readonly string[];
  readonly #random: ReturnType<typeof seededRandom>;
  readonly #recorder = historyRecorder(nodeRuntime().clock, { maxEvents: 3 * maxLoadEvents });
  readonly #found: ClusterFindings;
  readonly #condemned = new Set<string>();
  readonly #drilled = new Map<string, DrilledMember>();
  readonly #closing: (() => Promise<void>)[] = [];
  #supervisor: Supervisor | undefined;
  #links: PeerLinks | undefined;
  #crash: string | undefined;
  #loadBeganMs: number | undefined;

  constructor(options: ClusterStageOptions) {
    this.#options = options;
    this.#names = options.plan.members.map(({ name }) => name);
    this.#endpoints = options.plan.members.map(clientUrl);
    this.#random = seededRandom(options.seed);
    this.#found = {
      nodes: this.#names.length,
      clients: options.scenario.load.clients,
      record: newWorkloadRecord(),
      gapsMs: [],
      silencesMs: [],
      rounds: 0,
      rateReport: undefined,
      convergedMs: null,
      lostWrites: null,
      linearizable: null,
      divergedKeys: null,
      crashes: 0,
      plans: [],
    };
  }

  checkFault(fault: DrillFaultPlan, path: string): void {
    const kind = this.#kindOf(fault, path);
    kind.check(fault.parameters, path);
    if (kind.targets === undefined) checkMembers(path, fault.targets, this.#names);
    else checkOneOf(`${path}.target`, fault.targets, kind.targets);
  }

  async setup({ signal }: StageContext): Promise<void> {
    const { plan, scenario } = this.#options;
    const needs = scenario.faults.map((fault) => this.#kindOf(fault, fault.id).needs);
    if (needs.includes("links")) this.#links = await openPeerLinks(plan);
    const links = this.#links;
    const supervisor = superviseCluster({
      plan,
      restart: false,
      launch: (member, onSaid) => {
        const line = [...nodeArguments(plan, member), ...this.#nodeOptions, ...(links?.lineOf(member) ?? [])];
        // The others run as they always do.
        if (!needs.includes("orders")) return startMemberProcess(line, onSaid);
        const drilled = startDrilledMember(member.name, line, onSaid);
        this.#drilled.set(member.name, drilled);
        return drilled.process;
      },
      onEvent: ({ member, kind, text }) => {
        if (kind !== "died" || this.#condemned.has(member)) return;
        this.#found.crashes++;
        this.#crash ??= `${member} ${text}`;
      },
    });
    this.#supervisor = supervisor;
    this.#options.onSupervisor?.(supervisor);
    const alive = await supervisor.allAlive(scenario.timeouts.setupMs);
    signal.throwIfAborted();
    if (!alive) throw new Error("the cluster did not start");
  }

  async probe(): Promise<Readonly<Record<string, number | null>>> {
    const look = await lookAtMembers(this.#endpoints, this.#tls);
    return { ...look, writeMs: look.leaders === 1 ? await this.#timeOneWrite() : null };
  }

  async startLoad(load: DrillScenario["load"], round: number, { signal }: StageContext): Promise<StageLoad> {
    const { record } = this.#found;
    this.#loadBeganMs ??= performance.now();
    this.#found.rounds = round;
    const from = record.acknowledgements.length;
    const shared = { endpoints: this.#endpoints, tls: this.#tls };
    const workload = startWorkload({ ...shared, clients: load.clients, recorder: this.#recorder, record, round });
    const rate =
      load.ratePerSecond === 0
        ? undefined
        : startRateLoad({
            ...shared,
            seed: this.#options.seed + round,
            ratePerSecond: load.ratePerSecond,
            clients: 8,
            durationMs: load.forMs + 600_000,
            prefix: `rate/${round}/`,
          });
    let stopping: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      const [report] = await Promise.all([rate?.stop(), workload.stop()]);
      this.#found.rateReport = report ?? this.#found.rateReport;
      const silence = longestSilence(record.acknowledgements.slice(from));
      if (silence !== undefined) this.#found.silencesMs.push(silence);
    };
    const running: StageLoad = { stop: () => (stopping ??= stop()) };
    try {
      if (load.clients > 0) await untilAcknowledged(record, { atMs: performance.now(), term: undefined }, signal);
    } catch (error) {
      await running.stop();
      throw error;
    }
    return running;
  }

  async inject(fault: DrillFaultPlan, context: StageContext): Promise<StageFault> {
    const leader = await findLeader(this.#endpoints, limits.leaderMs, this.#tls);
    if (leader === null) throw new Error(`no leader within ${limits.leaderMs} ms`);
    context.signal.throwIfAborted();
    const kind = this.#kindOf(fault, fault.id);
    const targets = kind.targets ?? chooseMembers(fault.targets, leader.name, this.#names, this.#random);
    const { record } = this.#found;
    let sinceMs = performance.now();
    const strike = await kind.begin(this.#site(), { plan: fault, leader, targets }, context);
    let isHealed = false;
    let hasServed = false;
    return {
      what: strike.what,
      targets,
      untilServing: async (inner) => {
        const { signal, say } = inner;
        await strike.untilOver?.(inner);
        if (this.#found.clients === 0 || (!isHealed && !strike.canServe)) return;
        const mustElect = strike.mustElect && !hasServed;
        const term = mustElect ? leader.term : undefined;
        const gapMs = Math.round((await untilAcknowledged(record, { atMs: sinceMs, term }, signal)) * 10) / 10;
        if (mustElect) {
          this.#found.gapsMs.push(gapMs);
          say(`writes again after ${gapMs} ms (${record.acknowledgements.length} acknowledged so far)`);
        }
        hasServed = true;
      },
      heal: async (inner) => {
        await strike.heal(inner);
        isHealed = true;
        // What is answered from now on counts; but who had to be replaced and was not, is still to be.
        if (!strike.mustElect || hasServed) sinceMs = performance.now();
      },
      records: () => strike.records(),
    };
  }

  async settle({ signal }: StageContext): Promise<void> {
    this.#found.convergedMs = await untilConverged(this.#endpoints, signal, this.#tls);
  }

  async check({ say }: StageContext): Promise<void> {
    const { record } = this.#found;
    if (this.#recorder.events.length === 0) {
      this.#found.divergedKeys = await divergedKeys(this.#endpoints, this.#tls);
      return;
    }
    let unread: unknown;
    try {
      this.#found.lostWrites = (await readEverything(this.#endpoints, this.#recorder, record, this.#tls)).length;
      if (this.#found.convergedMs !== null) {
        this.#found.divergedKeys = await divergedKeys(this.#endpoints, this.#tls);
      }
    } catch (error) {
      unread = error;
    }
    // They are not needed any more, and the check takes a processor.
    await this.#supervisor?.stop();
    say(`checking ${record.operations} operations`);
    const { clock } = nodeRuntime();
    const check = checkLinearizable(keyValue(), this.#recorder.events, { timeoutMs: limits.checkMs, clock });
    this.#found.linearizable = check.verdict === "unknown" ? null : check.verdict === "ok";
    if (check.verdict === "violation") say(`not linearizable: ${check.explanation}`);
    if (check.verdict === "unknown") throw new Error(`the check did not end: ${check.explanation}`);
    if (unread !== undefined) throw unread;
  }

  async teardown(): Promise<void> {
    await Promise.all(this.#closing.splice(0).map((work) => work()));
    await this.#supervisor?.stop();
    await this.#links?.close();
    this.#options.saveHistory(formatHistory(this.#recorder.events));
  }

  measures(): ReturnType<DrillStage["measures"]> {
    return clusterMeasures(this.#found);
  }

  series(): ReturnType<DrillStage["series"]> {
    return this.#loadBeganMs === undefined ? [] : clusterSeries(this.#found, this.#loadBeganMs);
  }

  surprise(): string | undefined {
    if (this.#crash !== undefined) return `a member died that was not killed: ${this.#crash}`;
    const { surprise } = this.#found.record;
    return surprise && `a client met an error that a fault does not explain: ${surprise.message}`;
  }

  get #nodeOptions(): readonly string[] {
    const { snapshotEntries } = this.#options.scenario.stage;
    return snapshotEntries === undefined ? [] : [`--snapshot-entries=${snapshotEntries}`];
  }

  get #tls(): StrikeSite["tls"] {
    return this.#options.plan.tls?.own;
  }

  #kindOf({ kind }: DrillFaultPlan, path: string): StrikeKind {
    const found = Object.hasOwn(strikeKinds, kind) ? strikeKinds[kind] : undefined;
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`${path}.kind`, `must be one of ${Object.keys(strikeKinds).join(", ")}`, kind);
  }

  #site(): StrikeSite {
    const { plan, seed } = this.#options;
    const supervisor = this.#supervisor;
    const links = this.#links;
    const drilled = this.#drilled;
    if (supervisor === undefined) throw new Error("the cluster was not set up");
    return {
      plan,
      supervisor,
      endpoints: this.#endpoints,
      tls: this.#tls,
      condemned: this.#condemned,
      seed,
      atEnd: (work) => void this.#closing.push(work),
      plansRun: () => this.#found.plans.length,
      tellPlan: (outcome) => void this.#found.plans.push(outcome),
      get links() {
        if (links === undefined) throw new Error("members do not talk through proxies");
        return links;
      },
      drilled(name) {
        const member = drilled.get(name);
        if (member === undefined) throw new Error(`${name} takes no orders`);
        return member;
      },
      untilServing: async (signal) => {
        if (this.#found.clients === 0) return;
        await untilAcknowledged(this.#found.record, { atMs: performance.now(), term: undefined }, signal);
      },
    };
  }

  async #timeOneWrite(): Promise<number | null> {
    const tls = this.#tls;
    const client = gatewayClient({ endpoints: this.#endpoints, timeoutMs: 2_000, ...(tls && { tls }) });
    const beganMs = performance.now();
    try {
      await client.put({ key: Buffer.from("drill/steady"), value: Buffer.from("1") });
      return Math.round((performance.now() - beganMs) * 10) / 10;
    } catch {
      return null;
    } finally {
      client.close();
    }
  }
}
