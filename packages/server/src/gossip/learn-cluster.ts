import type { JoinedMember } from "holdfast/coordination";
import { HoldfastError } from "holdfast/errors/base";
import type { Address, Clock } from "holdfast/runtime";
import { environmentError } from "../cli/exit.ts";
import { statusReader, type StatusReader } from "../client/cluster-status.ts";
import type { ClientTls } from "../client/connections.ts";
import type { StatusDocument } from "../http/member-status.ts";
import { decodeNotice } from "./node-notice.ts";
import type { NodeGossip } from "./node-gossip.ts";

export interface LearnOptions {
  readonly gossip: NodeGossip;
  readonly seeds: readonly Address[];
  /** What we go by where members serve in TLS. Default: Node's. */
  readonly tls?: ClientTls;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The last attempt starts before this. Default 30 000: the machines may all have started at once. */
  readonly timeoutMs?: number;
}

/** A cluster that runs, as one of its members tells. */
export interface LearnedCluster {
  readonly clusterId: bigint;
  readonly members: readonly LearnedMember[];
}

export interface LearnedMember extends JoinedMember {
  /** It has run, with data that it must not start without. */
  readonly hasRun: boolean;
}

const retryMs = 500;
const answerTimeoutMs = 2_000;

/**
 * Finds the running members through the seeds' gossip, and asks one of them who the cluster's members are and where their
 * peers reach them. Gossip alone cannot tell: it knows only those that have run.
 *
 * @throws ExitError (environment) when nobody has told in time; the signal's reason
 */
export async function learnCluster(options: LearnOptions): Promise<LearnedCluster> {
  const { clock, signal, tls, timeoutMs = 30_000 } = options;
  const reader = statusReader({ timeoutMs: answerTimeoutMs, tls });
  const until = clock.now() + timeoutMs;
  try {
    for (;;) {
      const outcome = await attempt(options, reader);
      if (typeof outcome !== "string") return outcome;
      if (clock.now() >= until) {
        throw environmentError(
          `the cluster cannot be learned from --join: ${outcome}; start that member, or name all with --cluster`,
        );
      }
      await clock.sleep(retryMs, { signal });
    }
  } finally {
    reader.close();
  }
}

/** The cluster's members, or why nobody has told them. */
async function attempt(
  { gossip: { membership }, seeds, signal }: LearnOptions,
  reader: StatusReader,
): Promise<LearnedCluster | string> {
  try {
    await membership.join(seeds, { signal });
  } catch (error) {
    if (!HoldfastError.is(error) || error.code !== "JOIN_FAILED") throw error;
    return error.message;
  }
  let reason = "the members there are themselves looking for a cluster";
  for (const { name, state, meta } of membership.members()) {
    const { role, clientUrl } = decodeNotice(meta);
    if (name === membership.name || state !== "alive" || role === null || clientUrl === null) continue;
    try {
      const { clusterId, member, members } = await reader.member(clientUrl);
      const known = members.map(learnedMember);
      if (member.name === name && known.every((found) => found !== undefined)) {
        return { clusterId: BigInt(`0x${clusterId}`), members: known };
      }
      reason = `${clientUrl} is not ${name}, or does not tell its cluster`;
    } catch (error) {
      reason = `${name} does not answer at ${clientUrl} (${(error as Error).message})`;
    }
    signal.throwIfAborted();
  }
  return reason;
}

function learnedMember(info: StatusDocument["members"][number]): LearnedMember | undefined {
  const [, bracketed, plain, port] = /^https?:\/\/(?:\[([^\]]+)\]|(.+)):(\d{1,5})$/.exec(info.peerUrls[0] ?? "") ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) return undefined;
  // A witness has no clients.
  const hasRun = info.clientUrls.length + info.httpUrls.length > 0;
  const kind = info.isWitness === true ? { isWitness: true } : {};
  return { id: BigInt(`0x${info.id}`), name: info.name, peer: { host, port: Number(port) }, ...kind, hasRun };
}
