import type { Coordination, Member } from "holdfast/coordination";
import type { PlanDesk } from "holdfast/recovery";
import type { EventRecorder } from "holdfast/telemetry";
import type { ClientTls } from "../client/connections.ts";
import type { EventStreams } from "../http/event-stream.ts";
import { statusDocument } from "../http/member-status.ts";
import { membersDocument, type MembershipView } from "../http/members-document.ts";
import { createDashboard, type Dashboard } from "./dashboard.ts";
import { planWatch } from "./plan-watch.ts";

export interface MemberDashboardOptions {
  /**
   * Asked of every page and service. Without one, clients of this machine alone are served, and nobody at a port that
   * other machines reach. The same at all members.
   */
  readonly token?: string;
  /** Names by which browsers may ask, beside those of this machine and the addresses listened on. */
  readonly hosts?: readonly string[];
  /** What the other members are asked with, where they are served in TLS. */
  readonly tls?: ClientTls;
}

/** What a member has that its dashboard shows. */
export interface DashboardedMember {
  readonly member: Member;
  readonly membership: MembershipView | undefined;
  readonly events: EventStreams | undefined;
  readonly recorder: EventRecorder | undefined;
}

const askTimeoutMs = 2_000;

/** The dashboard of a cluster as one of its members serves it. */
export function memberDashboard(
  { token, hosts, tls }: MemberDashboardOptions,
  { member, membership, events, recorder }: DashboardedMember,
): Dashboard {
  return createDashboard({
    servedBy: member.name,
    token,
    ...(hosts === undefined ? {} : { hosts }),
    tls,
    known: () => [],
    self: {
      name: member.name,
      word: () => ({ status: statusDocument(member), gossip: membership && membersDocument(membership) }),
    },
    ...(events === undefined || recorder === undefined
      ? {}
      : { events: { nodeId: member.name, run: events.run, recorder } }),
    ...(member.status().isWitness === true ? { keys: false } : { plans: planWatch(() => openDesk(member)) }),
  });
}

async function openDesk(member: Member): Promise<PlanDesk> {
  const { planDesk } = await import("holdfast/recovery");
  return planDesk(localReads(member));
}

/** Looks go by what this member has, so that they cost the cluster nothing and work without a majority. */
function localReads(member: Member): Pick<Coordination, "range" | "txn"> {
  return {
    range: (request) => member.range({ ...request, serializable: true }, { timeoutMs: askTimeoutMs }),
    txn: (request) => member.txn(request, { timeoutMs: askTimeoutMs }),
  };
}
