import { setTimeout as delay } from "node:timers/promises";
import { statusReader } from "../client/cluster-status.ts";
import type { ClientTls } from "../client/connections.ts";
import type { StatusDocument } from "../http/member-status.ts";

export interface Leadership {
  readonly name: string;
  readonly term: number;
}

/** The member that says it leads, in a term in which a majority says so too; null when there is none in time. */
export async function findLeader(
  endpoints: readonly string[],
  timeoutMs: number,
  tls?: ClientTls,
): Promise<Leadership | null> {
  const reader = statusReader({ timeoutMs: 1000, tls });
  const deadline = performance.now() + timeoutMs;
  try {
    do {
      const words = await memberWords(reader, endpoints);
      for (const own of words.filter((word) => word.role === "leader")) {
        const agree = words.filter((word) => word.term === own.term && word.leader === own.id).length;
        if (agree > endpoints.length / 2) return { name: own.name, term: own.term };
      }
      await delay(20);
    } while (performance.now() < deadline);
    return null;
  } finally {
    reader.close();
  }
}

/** How many members answer, how many do not, and how many lead in the newest term. */
export async function lookAtMembers(
  endpoints: readonly string[],
  tls?: ClientTls,
): Promise<{ readonly alive: number; readonly down: number; readonly leaders: number }> {
  const reader = statusReader({ timeoutMs: 1000, tls });
  try {
    const words = await memberWords(reader, endpoints);
    const newest = Math.max(0, ...words.map(({ term }) => term));
    const leaders = words.filter(({ role, term }) => role === "leader" && term === newest).length;
    return { alive: words.length, down: endpoints.length - words.length, leaders };
  } finally {
    reader.close();
  }
}

/** How long until all members answer and have applied the same entries. Rejects with the signal's reason. */
export async function untilConverged(
  endpoints: readonly string[],
  signal: AbortSignal,
  tls?: ClientTls,
): Promise<number> {
  const reader = statusReader({ timeoutMs: 1000, tls });
  const startedAtMs = performance.now();
  try {
    for (;;) {
      const words = await memberWords(reader, endpoints);
      const [first] = words;
      const same = words.every(
        (word) =>
          word.appliedIndex === first?.appliedIndex &&
          word.commitIndex === first.commitIndex &&
          word.term === first.term,
      );
      if (words.length === endpoints.length && same && words.some((word) => word.role === "leader")) {
        return Math.round((performance.now() - startedAtMs) * 10) / 10;
      }
      await delay(20, undefined, { signal });
    }
  } finally {
    reader.close();
  }
}

async function memberWords(
  reader: ReturnType<typeof statusReader>,
  endpoints: readonly string[],
): Promise<readonly StatusDocument["member"][]> {
  const answers = await Promise.allSettled(endpoints.map((endpoint) => reader.member(endpoint)));
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.member] : []));
}
