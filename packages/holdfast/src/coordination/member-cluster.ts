import { membersOf, type Configuration, type RaftNode } from "../consensus/index.ts";
import type { Clock, Random, Timer } from "../runtime/index.ts";
import { InvalidArgumentError } from "../errors/base.ts";
import { growthOf } from "./cluster/alarm-rules.ts";
import { ClusterDesk } from "./cluster/cluster-desk.ts";
import { ClusterWork } from "./cluster/cluster-work.ts";
import { encodeCommand } from "./key-value/command-codec.ts";
import type { CommandOperation, Outcome } from "./key-value/command.ts";
import type { Answer, MemberInfo, RequestOptions, ResponseHeader } from "./coordination.ts";
import { CoordinationError } from "./coordination-error.ts";
import type { KeyValueStateMachine } from "./key-value/key-value-state-machine.ts";
import type { RequestOp } from "./key-value/key-value.ts";
import { committedConfiguration, listMembers } from "./cluster/member-list.ts";
import { peerUrlIn, type PeerScheme } from "./cluster/peer-url.ts";

export interface MemberClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly machine: KeyValueStateMachine;
  readonly self: MemberInfo;
  readonly node: () => RaftNode;
  readonly initialMembers: readonly MemberInfo[];
  /** Bytes of the store at which the NOSPACE alarm is raised. */
  readonly quotaBytes: number;
  /** As leader, makes voters of learners that are ready. */
  readonly autoPromote: boolean;
  readonly electionTimeoutMs: number;
  readonly header: () => ResponseHeader;
  /** What members speak among themselves, and how their URLs are told. */
  readonly peerScheme: PeerScheme;
  readonly requireRoot: (options: RequestOptions) => Promise<void>;
  readonly linearize: (options: RequestOptions) => Promise<void>;
  readonly write: (operation: CommandOperation, options: RequestOptions) => Promise<Answer<unknown>>;
  /** This member is none any more, or is of another kind than the cluster has it. */
  readonly onRemoved: (error: Error) => void;
}

/** How a peer turns away one that was removed; see the transport. */
const removedReason = /^member ([0-9a-f]+) was removed from this cluster$/;

/** A replicated member's part in its cluster: who else is in it, changes of that, its own removal, and its quota. */
export class MemberCluster {
  readonly desk: ClusterDesk;
  readonly #options: MemberClusterOptions;
  readonly #work: ClusterWork;
  /** It was in a configuration that was committed: one without it, later, means that it was removed. */
  #wasMember = false;
  #misfit: Error | undefined;
  #leaving: Timer | undefined;
  #raising = false;
  #runs = false;
  #published: "no" | "under way" | "yes" = "no";

  constructor(options: MemberClusterOptions) {
    this.#options = options;
    const { clock, random, machine, node, initialMembers, autoPromote } = options;
    const { cluster } = machine;
    const members = (): readonly MemberInfo[] => this.members();
    const { header, requireRoot, linearize, write, peerScheme } = options;
    this.desk = new ClusterDesk({ clock, random, cluster, members, header, requireRoot, linearize, write, peerScheme });
    this.#work = new ClusterWork({
      node,
      now: () => clock.now(),
      cluster,
      published: () => machine.members(),
      peerUrlsOf: (id) => this.members().find((info) => info.id === BigInt(id))?.peerUrls ?? [],
      known: () => [...initialMembers, ...machine.members(), ...cluster.told.values()].map(({ id }) => id),
      propose: (request) => node().propose(encodeCommand({ operation: { type: "cluster", request } })),
      autoPromote,
    });
  }

  get #isWitness(): boolean {
    return this.#options.self.isWitness === true;
  }

  members(): readonly MemberInfo[] {
    const { node, machine, initialMembers: initial } = this.#options;
    const { cluster } = machine;
    const sources = { published: machine.members(), cluster, initial };
    return listMembers(committedConfiguration(node()), sources).map((info) => {
      return { ...info, peerUrls: info.peerUrls.map((url) => peerUrlIn(this.#options.peerScheme, url)) };
    });
  }

  tick(): void {
    if (this.#misfit !== undefined) return this.#options.onRemoved(this.#misfit);
    this.#runs = true;
    this.#work.tick();
    if (this.#published === "no") void this.#publish();
  }

  /** Somebody leads who may never have heard from a witness, which cannot see whether what it said was applied. */
  onLeader(): void {
    if (this.#isWitness) this.#published = "no";
  }

  onApplied(outcome: Outcome): void {
    if (outcome.type !== "cluster") return;
    if (outcome.response.answers !== undefined) this.desk.onAnswer(outcome.response.answers);
    // There may be something to do; not amid the entries that are being applied, and not before the member runs.
    if (this.#runs) this.#options.clock.defer(() => this.#work.tick());
  }

  /** After a restart older configurations are told again: whoever is not in them yet was not removed. */
  onConfiguration(configuration: Configuration, committed: boolean): void {
    if (!committed) return;
    const id = Number(this.#options.self.id);
    if (membersOf(configuration).includes(id)) {
      this.#wasMember = true;
      this.#checkKind(configuration.witnesses.includes(id));
    } else if (this.#wasMember) this.#leave();
  }

  /** Others count on what a member holds: one that holds nothing must not pass for one that does. */
  #checkKind(isWitness: boolean): void {
    if (isWitness === this.#isWitness) return;
    this.#misfit = new InvalidArgumentError(
      "isWitness",
      `must be ${isWitness}, as the cluster has it`,
      this.#isWitness,
    );
  }

  onRefused(reason: string): void {
    const [, id] = removedReason.exec(reason) ?? [];
    if (id === this.#options.self.id.toString(16)) this.#leave();
  }

  /**
   * Refuses what the quota has no room for, and raises the alarm by which every member does.
   *
   * @throws CoordinationError NO_SPACE
   */
  requireSpace(operation: RequestOp): void {
    const { machine, quotaBytes } = this.#options;
    if (machine.storeBytes + growthOf(operation) <= quotaBytes) return;
    this.#raise();
    throw new CoordinationError("NO_SPACE");
  }

  close(): void {
    this.#runs = false;
    this.#leaving?.cancel();
    this.desk.close(new CoordinationError("TIMED_OUT"));
  }

  #raise(): void {
    const { self, machine, write } = this.#options;
    const { id } = self;
    const isRaised = machine.cluster.alarms.some(({ member, type }) => member === id && type === "NOSPACE");
    if (isRaised || this.#raising) return;
    this.#raising = true;
    const over = (): void => void (this.#raising = false);
    const request = { type: "raiseAlarm", alarm: { member: id, type: "NOSPACE" } } as const;
    // Without a leader nothing is written either; the next request that is refused tries again.
    write({ type: "cluster", request }, {}).then(over, over);
  }

  /** Makes this member's addresses known to all, however long it takes to find a leader. */
  async #publish(): Promise<void> {
    const { self, write, node } = this.#options;
    if (this.#isWitness) {
      if (node().raft.leader === 0) return;
      this.#published = "yes";
      return node().propose(encodeCommand({ operation: { type: "memberAttributes", request: self } }));
    }
    this.#published = "under way";
    try {
      await write({ type: "memberAttributes", request: self }, {});
      this.#published = "yes";
    } catch {
      // No leader yet, or lost on the way: the next tick tries again, and applied twice it would say the same.
      this.#published = "no";
    }
  }

  /** A moment later, so that whoever asked here for the removal hears of it. */
  #leave(): void {
    const { clock, self, electionTimeoutMs, onRemoved } = this.#options;
    this.desk.onRemoved(self.id);
    this.#leaving ??= clock.setTimer(2 * electionTimeoutMs, () => onRemoved(new CoordinationError("MEMBER_REMOVED")));
  }
}
