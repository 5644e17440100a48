import type { ClusterView } from "holdfast/telemetry";
import type { Connections } from "../client/connections.ts";
import { originOf, type ToldReports } from "./member-answers.ts";
import { MemberPoll } from "./member-poll.ts";
import type { KnownMember, MemberPresence, MemberProcessState, MemberWord } from "./member-word.ts";
import { mergeCluster } from "./merge-cluster.ts";

export interface ClusterWatchOptions {
  readonly servedBy: string;
  readonly connections: Connections;
  readonly token: string | undefined;
  readonly known: () => readonly KnownMember[];
  readonly self?: { readonly name: string; readonly word: () => MemberWord };
  readonly processOf?: (name: string) => MemberProcessState | undefined;
  readonly pollMs: number;
  /** Something is different, other than how long it has been so. */
  readonly onChange: () => void;
  readonly onReports: (reports: ToldReports, member: string) => void;
}

const timeoutMs = 500;
const rateWindowMs = 3_000;
/** What passes by itself, or with every look. */
const passing: ReadonlySet<string> = new Set(["at", "sinceMs", "lastHeardMs", "commitsPerSecond", "residentBytes"]);

/** Asks all members how they are, and puts together what they say. */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  readonly #polls = new Map<string, MemberPoll>();
  #startedMs = 0;
  #commits: { readonly atMs: number; readonly index: number }[] = [];
  #told = "";
  #isOn = false;

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isOn = true;
    this.#startedMs = performance.now();
    this.look();
  }

  stop(): void {
    this.#isOn = false;
    for (const poll of this.#polls.values()) poll.close();
    this.#polls.clear();
    this.#commits = [];
  }

  /** Whether everybody has been asked, so that silence means something. */
  get isReady(): boolean {
    if (performance.now() - this.#startedMs > 2 * timeoutMs) return true;
    return [...this.#polls.values()].every((poll) => poll.wasAsked);
  }

  /** Where the other members' HTTP is, by name. */
  origins(): ReadonlyMap<string, string> {
    return new Map([...this.#polls].map(([name, { origin }]) => [name, origin]));
  }

  hurry(): void {
    for (const poll of this.#polls.values()) poll.hurry();
    this.look();
  }

  /** Puts together what is known, and says so if it is new. */
  look(): void {
    if (!this.#isOn) return;
    const view = this.view();
    this.#ask(view);
    this.#remember(view);
    const told = JSON.stringify(view, (key, value: unknown) => (passing.has(key) ? undefined : value));
    if (told === this.#told || !this.isReady) return;
    this.#told = told;
    this.#options.onChange();
  }

  view(): ClusterView {
    const { servedBy, known, processOf } = this.#options;
    return mergeCluster({
      at: Date.now(),
      nowMs: performance.now(),
      servedBy,
      presences: this.#presences(),
      known: known(),
      processOf,
      commitsPerSecond: this.#rate(),
    });
  }

  #presences(): ReadonlyMap<string, MemberPresence> {
    const presences = new Map([...this.#polls].map(([name, poll]) => [name, poll.presence()]));
    const { self } = this.#options;
    if (self !== undefined) presences.set(self.name, { word: self.word(), sinceMs: undefined });
    return presences;
  }

  /** Asks whoever is a member, and nobody else. */
  #ask({ members }: ClusterView): void {
    const wanted = new Map<string, string>();
    for (const { name, httpUrl, clientUrl } of members) {
      const origin = originOf(httpUrl ?? clientUrl);
      if (name !== this.#options.self?.name && origin !== undefined) wanted.set(name, origin);
    }
    for (const [name, poll] of this.#polls) {
      if (wanted.get(name) === poll.origin) continue;
      poll.close();
      this.#polls.delete(name);
    }
    for (const [name, origin] of wanted) {
      if (this.#polls.has(name)) continue;
      const { connections, token, pollMs } = this.#options;
      const onWord = (): void => this.look();
      const onReports = (reports: ToldReports): void => this.#options.onReports(reports, name);
      this.#polls.set(
        name,
        new MemberPoll({ name, origin, connections, token, intervalMs: pollMs, timeoutMs, onWord, onReports }),
      );
    }
  }

  #remember({ members }: ClusterView): void {
    const atMs = performance.now();
    const index = Math.max(...members.map(({ commitIndex }) => commitIndex ?? Number.NEGATIVE_INFINITY));
    // Several looks of one round know the same.
    if (Number.isFinite(index) && atMs - (this.#commits.at(-1)?.atMs ?? 0) >= 100) this.#commits.push({ atMs, index });
    this.#commits = this.#commits.filter((commit) => atMs - commit.atMs <= rateWindowMs);
  }

  #rate(): number | null {
    const [first, last] = [this.#commits[0], this.#commits.at(-1)];
    if (first === undefined || last === undefined || last.atMs - first.atMs < 500) return null;
    return Math.max(0, ((last.index - first.index) * 1_000) / (last.atMs - first.atMs));
  }
}
