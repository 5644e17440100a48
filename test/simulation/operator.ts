import {
  ConsensusError,
  enterJoint,
  formatAddress,
  isJoint,
  leaveJoint,
  learnerReady,
  majority,
  simpleOrJoint,
  type ChangeMode,
  type Changed,
  type Configuration,
  type ConfigurationChange,
  type NodeId,
} from "holdfast/consensus";
import { CoordinationError, type ReplicatedMember } from "holdfast/coordination";
import type { Random, World } from "holdfast/runtime";
import type { OperationKind } from "./operation.ts";
import { SafeLosses } from "./safe-losses.ts";
import { drawOne, type SimulatedCluster, type Slot } from "./simulated-cluster.ts";
import { withinTime } from "./within-time.ts";

/**
 * Somebody who changes the cluster while it works: adds, removes and replaces members, hands leadership over. Nobody
 * waits for the faults to be over, and what became of a change is often not known. It takes care of one thing: that a
 * majority of every configuration that may come to count can be made to run again.
 */
export class Operator {
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #random: Random;
  readonly #patienceMs: number;
  /** Machines that run and have never been in a configuration, as far as is known: a removed one may not come back. */
  readonly #waiting = new Set<Slot>();
  /** Configurations that may count, now or later, in the order in which they were asked for. */
  #possible: Configuration[] = [];
  /** Members that somebody was asked to remove, who may yet do it. */
  readonly #doomed = new Set<NodeId>();
  readonly #losses: SafeLosses;

  constructor(world: World, cluster: SimulatedCluster, random: Random) {
    this.#world = world;
    this.#cluster = cluster;
    this.#random = random;
    this.#losses = new SafeLosses(world, cluster);
    this.#patienceMs = Math.max(500, 4 * cluster.parameters.electionTimeoutMs);
  }

  async work(untilMs: number): Promise<void> {
    const { kinds, everyMs } = this.#cluster.parameters.operations;
    const { clock } = this.#world;
    while (kinds.length > 0 && clock.now() < untilMs) {
      await clock.sleep(this.#random.next() * 2 * everyMs);
      await this.tidyUp();
      await this.#replaceLost();
      await this.#perform(drawOne(this.#random, kinds)!);
    }
  }

  /** Starts machines that were added, and ends a change that this operator has begun and not ended. */
  async tidyUp(): Promise<void> {
    // Without a leader, too: one that was added may be what they wait for.
    for (const { member } of this.#cluster.running) this.#adoptFrom(member!.node.raft.configuration);
    const configuration = this.#configuration;
    if (configuration === undefined || !isJoint(configuration) || configuration.autoLeave) return;
    await this.#change([], "explicit");
  }

  #adoptFrom(configuration: Configuration): void {
    for (const [id, address] of configuration.addresses) {
      if (this.#cluster.slot(id) === undefined)
        this.#cluster.adopt(id, address.split(":")[0]!, this.#known(configuration));
    }
  }

  #known({ voters }: Configuration): Slot[] {
    return voters.flatMap((id) => this.#cluster.slot(id) ?? []);
  }

  get #configuration(): Configuration | undefined {
    return this.#cluster.leader?.member?.node.raft.configuration;
  }

  async #perform(kind: OperationKind): Promise<void> {
    switch (kind) {
      case "addLearner":
        return this.#addLearner();
      case "addVoter":
        return this.#change(this.#additions(1));
      case "addWitness":
        return this.#change(this.#additions(1, "addWitness"));
      case "remove":
        return this.#change(this.#removal(this.#voter()));
      case "removeLeader":
        return this.#change(this.#removal(this.#cluster.leader?.id));
      case "replace":
        return this.#change([...this.#additions(1), ...this.#removal(this.#voter())]);
      case "replaceMany":
        return this.#replaceMany();
      case "demote":
        return this.#change(this.#demotion(this.#voter()));
      case "transfer":
        return this.#transfer();
      case "loseOne":
        return this.#loseOne();
      case "memberAdd":
        return this.#askToAdd();
      case "memberRemove":
        return this.#askToRemove(this.#voter());
      case "memberPromote":
        await this.#askAnyone(kind, drawOne(this.#random, this.#configuration?.learners ?? []), ({ cluster }, id) =>
          cluster.memberPromote(id),
        );
        return;
      case "moveLeader":
        await this.#askAnyone(kind, this.#voter(), ({ cluster }, id) => cluster.moveLeader(id));
        return;
      case "twoAtOnce":
        await Promise.all([this.#change(this.#additions(1)), this.#change(this.#additions(1))]);
        return;
      case "changeAtOnce":
        await this.#newLeader();
        return this.#change(this.#random.next() < 0.5 ? this.#additions(1) : this.#removal(this.#voter()));
    }
  }

  /** A drawn voter of the leader's configuration, the leader included. */
  #voter(): NodeId | undefined {
    return drawOne(this.#random, this.#configuration?.voters ?? []);
  }

  /** Starts machines that have not been members; they wait to be told that they are. */
  #additions(count: number, type: "addVoter" | "addLearner" | "addWitness" = "addVoter"): ConfigurationChange[] {
    const configuration = this.#configuration;
    if (configuration === undefined) return [];
    const isWitness = type === "addWitness";
    for (const slot of this.#fresh.slice(0, count)) {
      slot.isWitness = isWitness;
      this.#cluster.enlist(slot, this.#known(configuration));
      this.#waiting.add(slot);
    }
    // Those that an earlier change did not get in wait still.
    const waiting = [...this.#waiting].filter((slot) => !slot.isOut && slot.isWitness === isWitness);
    return waiting.slice(-count).map(({ id, process }) => ({
      type,
      id,
      address: formatAddress({ host: process.host, port: 2380 }),
    }));
  }

  /** Machines that nobody has used. */
  get #fresh(): Slot[] {
    return this.#cluster.slots.filter(({ isOut, lives, isExpected }) => isOut && lives === 0 && !isExpected);
  }

  async #askToAdd(): Promise<void> {
    const [slot] = this.#fresh;
    if (slot === undefined) return;
    slot.isExpected = true;
    const isLearner = this.#random.next() < 0.5;
    slot.isWitness = !isLearner && this.#cluster.parameters.witnesses > 0 && this.#random.next() < 0.5;
    const request = { peerUrls: [`http://${slot.process.host}:2380`], isLearner, isWitness: slot.isWitness };
    await this.#askAnyone("memberAdd", slot.id, ({ cluster }) => cluster.memberAdd(request));
    await this.tidyUp();
  }

  /** It may be removed long after nobody waits for that any more, and what else is lost until then counts, too. */
  async #askToRemove(id: NodeId | undefined): Promise<void> {
    if (id === undefined || this.#doomed.has(id)) return;
    this.#doomed.add(id);
    if (this.#allCanRun()) {
      const end = await this.#askAnyone("memberRemove", id, ({ cluster }) => cluster.memberRemove(BigInt(id)));
      if (end === "unknown") return;
    }
    this.#doomed.delete(id);
  }

  /** Asks a drawn member to do something about one that is in the configuration, or is to be. */
  async #askAnyone(
    kind: OperationKind,
    about: NodeId | undefined,
    call: (member: ReplicatedMember, id: bigint) => Promise<unknown>,
  ): Promise<"done" | "refused" | "unknown"> {
    const slot = drawOne(this.#random, this.#cluster.running);
    if (slot === undefined || about === undefined) return "refused";
    const end = await this.#ask(slot, (member) => call(member, BigInt(about)));
    const known = end === "refused" || end === "unknown" ? end : "done";
    this.#cluster.count(known === "done" ? kind : `${kind}-${known}`, slot);
    return known;
  }

  #removal(id: NodeId | undefined): ConfigurationChange[] {
    return id === undefined ? [] : [{ type: "remove", id }];
  }

  #demotion(id: NodeId | undefined): ConfigurationChange[] {
    return id === undefined ? [] : [{ type: "demote", id }];
  }

  async #addLearner(): Promise<void> {
    const { electionTimeoutMs } = this.#cluster.parameters;
    await this.#change(this.#additions(1, "addLearner"));
    for (let asked = 0; asked < 10; asked++) {
      const raft = this.#cluster.leader?.member?.node.raft;
      const id = raft?.configuration.learners.find((learner) => learnerReady(raft, learner));
      if (id !== undefined) return this.#change([{ type: "promote", id }]);
      await this.#world.clock.sleep(electionTimeoutMs / 2);
    }
  }

  async #replaceMany(): Promise<void> {
    const added = this.#additions(2);
    const removed = (this.#configuration?.voters ?? []).filter(() => this.#random.next() < 0.4);
    await this.#change(
      [...added, ...removed.map((id) => ({ type: "remove", id }) as const)],
      this.#random.next() < 0.5 ? "joint" : "explicit",
    );
  }

  async #transfer(): Promise<void> {
    const { leader } = this.#cluster;
    const to = this.#voter();
    if (leader === undefined || to === undefined) return;
    const end = await this.#ask(leader, (member) => member.transferLeadership(BigInt(to)));
    this.#cluster.count(end === "refused" ? "transfer-refused" : "transfer", leader);
  }

  /** A machine burns down. */
  #loseOne(): void {
    const slot = this.#cluster.slot(this.#voter() ?? 0);
    if (slot === undefined || slot.isOut || !this.#losses.mayLose(slot)) return;
    slot.isOut = true;
    if (!this.#allCanRun()) {
      slot.isOut = false;
      return;
    }
    this.#cluster.count("machine-lost", slot);
    this.#cluster.retire(slot, "power");
  }

  /** Whoever counts on a machine that has burnt down is told to count on another. */
  async #replaceLost(): Promise<void> {
    const lost = this.#configuration?.voters.find((id) => this.#cluster.slot(id)?.isOut === true);
    if (lost === undefined) return;
    const kind = this.#cluster.slot(lost)?.isWitness === true ? "addWitness" : "addVoter";
    await this.#change([...this.#additions(1, kind), ...this.#removal(lost)]);
  }

  /** Waits until somebody leads in a term that has not begun yet, for a while. */
  #newLeader(): Promise<void> {
    const { clock } = this.#world;
    const term = this.#cluster.leader?.member?.node.raft.term ?? 0;
    return new Promise((resolve) => {
      const end = (): void => {
        stop();
        timer.cancel();
        resolve();
      };
      const timer = clock.setTimer(this.#patienceMs, end);
      const stop = this.#world.onStep(() => {
        if ((this.#cluster.leader?.member?.node.raft.term ?? 0) > term) end();
      });
    });
  }

  async #change(changes: readonly ConfigurationChange[], mode: ChangeMode = "auto"): Promise<void> {
    const { leader } = this.#cluster;
    const present = this.#configuration;
    if (leader === undefined || present === undefined || (changes.length === 0 && !isJoint(present))) return;
    const next = resultsOf(present, changes, mode);
    if (!next.every((configuration) => this.#canRun(configuration))) return;
    const before = this.#possible.length === 0 ? [present] : this.#possible;
    this.#possible = [...before, ...next];
    const end = await this.#ask(leader, (member) => member.node.changeConfiguration(changes, mode));
    this.#cluster.count(`change-${end === "refused" || end === "unknown" ? end : "made"}`, leader);
    if (end !== "refused") for (const { id } of changes) this.#waiting.delete(this.#cluster.slot(id)!);
    if (end === "refused" || end === "unknown") return;
    // What was asked for before it can come to count no more.
    this.#possible = [end, ...this.#possible.filter((configuration) => !before.includes(configuration))];
    for (const change of changes) if (change.type === "remove" && !isJoint(end)) this.#dismiss(change.id);
  }

  /** Turns a removed member's machine off, soon, or leaves it running, a bother to the others. */
  #dismiss(id: NodeId): void {
    const slot = this.#cluster.slot(id);
    if (slot === undefined || this.#random.next() < 0.3) return;
    this.#world.clock.setTimer(this.#random.next() * 1_000, () => {
      // It may have left by itself meanwhile.
      if (slot.isOut) return;
      slot.isOut = true;
      if (this.#allCanRun()) this.#cluster.retire(slot, "kill");
      else slot.isOut = false;
    });
  }

  /** Of everything that was asked for, and everything that members hold. */
  #allCanRun(): boolean {
    const held = this.#cluster.running.flatMap(({ member }) => {
      const { configurations, configurationCommitted } = member!.node.raft;
      return configurations.filter(({ index }) => index >= configurationCommitted);
    });
    const all = [...this.#possible, ...held.map(({ configuration }) => configuration)];
    return all.every((configuration) => this.#canRun(configuration));
  }

  /** Whether those machines that are not lost can decide, also when some of those that are to go have gone. */
  #canRun({ voters, votersOutgoing }: Configuration): boolean {
    return [voters, votersOutgoing].every((half) => {
      // One that is not known yet is about to be started.
      const left = half.filter((id) => this.#cluster.slot(id)?.isOut !== true);
      const going = left.filter((id) => this.#doomed.has(id)).length;
      const enough = (gone: number): boolean => left.length - gone >= majority(half.length - gone);
      return half.length === 0 || Array.from({ length: going + 1 }, (_, gone) => gone).every(enough);
    });
  }

  async #ask<T>(slot: Slot, call: (member: ReplicatedMember) => Promise<T>): Promise<T | "refused" | "unknown"> {
    try {
      return (await withinTime(this.#world.clock, this.#patienceMs, this.#cluster.ask(slot, call))) ?? "unknown";
    } catch (error) {
      if (error instanceof CoordinationError) return error.code === "TIMED_OUT" ? "unknown" : "refused";
      if (!(error instanceof ConsensusError)) throw error;
      return error.code === "CHANGE_UNCERTAIN" ? "unknown" : "refused";
    }
  }
}

/** The configurations that a change leads to: the next one, and the one after that where it is joint. */
function resultsOf(
  present: Configuration,
  changes: readonly ConfigurationChange[],
  mode: ChangeMode,
): readonly Configuration[] {
  const changed: Changed = isJoint(present)
    ? leaveJoint(present)
    : mode === "auto"
      ? simpleOrJoint(present, changes)
      : enterJoint(present, changes, { autoLeave: mode === "joint" });
  if ("refused" in changed) return [];
  const left = isJoint(changed.configuration) ? leaveJoint(changed.configuration) : changed;
  return "refused" in left ? [] : [changed.configuration, left.configuration];
}
