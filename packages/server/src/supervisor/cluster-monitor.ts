import type { MemberRole } from "holdfast/coordination";
import { leaderOf, statusReader } from "../client/cluster-status.ts";
import type { ClientTls } from "../client/connections.ts";
import { clientUrl } from "./cluster-plan.ts";
import type { Supervisor } from "./supervisor.ts";

/** What a member last said of itself. */
export interface MemberWord {
  readonly role: MemberRole;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Monotonic milliseconds. */
  readonly atMs: number;
}

/** Asks every running member how it is, again and again. */
export interface ClusterMonitor {
  /** Undefined when it does not answer at present. */
  word(member: string): MemberWord | undefined;
  leader(): { readonly name: string; readonly term: number } | undefined;
  /** Entries committed a second, over the last three seconds; undefined while unknown. */
  writesPerSecond(): number | undefined;
  close(): void;
}

export interface MonitorOptions {
  /** Between two rounds of questions. Default 250. */
  readonly intervalMs?: number;
  /** A member that takes longer does not answer. Default 1 000. */
  readonly timeoutMs?: number;
  readonly tls?: ClientTls | undefined;
  /** After each round. */
  readonly onRound?: () => void;
}

const rateWindowMs = 3000;

export function monitorCluster(supervisor: Supervisor, options: MonitorOptions = {}): ClusterMonitor {
  const { intervalMs = 500, timeoutMs = 1000, tls, onRound } = options;
  const reader = statusReader({ timeoutMs, tls });
  const lastWords = new Map<string, MemberWord>();
  let commits: { atMs: number; index: number }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function ask(member: ReturnType<Supervisor["members"]>[number]): Promise<void> {
    const { name } = member.plan;
    if (member.pid === undefined) return void lastWords.delete(name);
    try {
      const { member: own } = await reader.member(clientUrl(member.plan));
      const { role, term, commitIndex, appliedIndex } = own;
      lastWords.set(name, { role, term, commitIndex, appliedIndex, atMs: performance.now() });
    } catch {
      lastWords.delete(name);
    }
  }

  async function round(): Promise<void> {
    await Promise.all(supervisor.members().map(ask));
    if (closed) return;
    const index = Math.max(...[...lastWords.values()].map((word) => word.commitIndex));
    const atMs = performance.now();
    if (Number.isFinite(index)) commits.push({ atMs, index });
    commits = commits.filter((commit) => atMs - commit.atMs <= rateWindowMs);
    onRound?.();
    timer = setTimeout(() => void round(), intervalMs);
  }

  timer = setTimeout(() => void round(), 0);
  return {
    word: (member) => lastWords.get(member),
    leader() {
      // A member that died since the last round leads no more.
      const running = supervisor.members().filter((member) => member.pid !== undefined);
      const words = running.flatMap(({ plan }) => {
        const word = lastWords.get(plan.name);
        return word === undefined ? [] : [{ name: plan.name, ...word }];
      });
      const name = leaderOf(words);
      const term = name === null ? undefined : words.find((word) => word.name === name)?.term;
      return name === null || term === undefined ? undefined : { name, term };
    },
    writesPerSecond() {
      const [first, last] = [commits[0], commits.at(-1)];
      if (first === undefined || last === undefined || last.atMs - first.atMs < 500) return undefined;
      return Math.max(0, ((last.index - first.index) * 1000) / (last.atMs - first.atMs));
    },
    close() {
      closed = true;
      clearTimeout(timer);
      reader.close();
    },
  };
}
