import type { AlarmType, Member, MemberRole } from "holdfast/coordination";

/** What `GET /holdfast/v1/status` answers: the member's own view of itself and of its cluster. Ids are hexadecimal. */
export interface StatusDocument {
  readonly clusterId: string;
  readonly member: {
    readonly id: string;
    readonly name: string;
    readonly role: MemberRole;
    readonly term: number;
    /** Empty when none is known. */
    readonly leader: string;
    readonly commitIndex: number;
    readonly appliedIndex: number;
    readonly revision: number;
    readonly storeBytes: number;
    readonly logBytes: number;
    readonly residentBytes: number;
  };
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly peerUrls: readonly string[];
    readonly clientUrls: readonly string[];
    readonly httpUrls: readonly string[];
    /** It gets everything and decides nothing. */
    readonly isLearner: boolean;
    /** It votes, holds no state, and answers no clients. Absent where it does not. */
    readonly isWitness?: boolean;
  }[];
  /** Those raised in the cluster, each once: while one is, some or all changes are refused. Absent: none. */
  readonly alarms?: readonly AlarmType[];
  /** Which of the others this member hears, by what Raft says. */
  readonly contacts?: readonly {
    readonly id: string;
    /** `silent`: it should have been heard by now. `idle`: it need not say anything. */
    readonly state: "heard" | "silent" | "idle";
    /** Whole milliseconds; null when it has not been heard yet. */
    readonly lastHeardMs: number | null;
  }[];
}

export function statusDocument(member: Member): StatusDocument {
  const status = member.status();
  const { role, term, leader, commitIndex, appliedIndex, revision, storeBytes, logBytes } = status;
  const alarms = [...new Set(status.alarms.map(({ type }) => type))];
  return {
    clusterId: hex(member.clusterId),
    member: {
      id: hex(member.id),
      name: member.name,
      role,
      term,
      leader: leader === 0n ? "" : hex(leader),
      commitIndex,
      appliedIndex,
      revision,
      storeBytes,
      logBytes,
      residentBytes: process.memoryUsage.rss(),
    },
    members: member.members().map(({ id, name, peerUrls, clientUrls, httpUrls, isLearner = false, isWitness }) => ({
      id: hex(id),
      name,
      peerUrls,
      clientUrls,
      httpUrls,
      isLearner,
      ...(isWitness === true ? { isWitness } : {}),
    })),
    ...(alarms.length === 0 ? {} : { alarms }),
    contacts: (member.contacts?.() ?? []).map(({ id, state, lastHeardMs }) => ({
      id: hex(id),
      state,
      lastHeardMs: lastHeardMs === null ? null : Math.round(lastHeardMs),
    })),
  };
}

function hex(id: bigint): string {
  return id.toString(16);
}
