import type { Member, MemberStatus } from "holdfast/coordination";
import type { Metrics, ReadMetricOptions } from "holdfast/telemetry";
import { etcdClusterVersion, etcdCompatibleVersion } from "../etcd/version.ts";
import type { MembershipView } from "../http/members-document.ts";
import { defineProcessMetrics } from "./process-metrics.ts";

const roles = ["follower", "candidate", "leader"] as const;
const memberStates = ["alive", "suspect", "dead", "left"] as const;

/**
 * A member, who is there as it sees it, and its process, read when somebody asks: under the names that etcd and
 * Prometheus' own clients give them where they have one, so that a dashboard or an alert made for etcd finds what it asks
 * for, and the rest under `raft_`, `membership_` and `holdfast_`.
 */
export function defineMemberMetrics(metrics: Metrics, member: Member, membership: MembershipView | undefined): void {
  defineEtcdMetrics(metrics, member);
  defineRaftMetrics(metrics, member);
  if (membership !== undefined) defineMembershipMetrics(metrics, membership);
  defineProcessMetrics(metrics);
}

type Read = ReadMetricOptions["read"];

/** One value without labels, from the member's status. */
function ofStatus(
  metrics: Metrics,
  member: Member,
): (name: string, help: string, value: (status: MemberStatus) => number) => void {
  return (name, help, value) => {
    metrics.readFrom({ name, help, type: "gauge", read: (tell) => tell(value(member.status())) });
  };
}

function defineEtcdMetrics(metrics: Metrics, member: Member): void {
  const labelled = (name: string, help: string, label: string, value: string): void => {
    metrics.readFrom({ name, help, type: "gauge", labels: [label], read: (tell) => tell(1, value) });
  };
  const clusterVersion = etcdClusterVersion.split(".", 2).join(".");
  labelled(
    "etcd_cluster_version",
    "The version of etcd whose cluster this is like.",
    "cluster_version",
    clusterVersion,
  );
  labelled(
    "etcd_server_version",
    "The version of etcd whose protocol is served.",
    "server_version",
    etcdCompatibleVersion,
  );
  labelled("etcd_server_id", "The member's id.", "server_id", member.id.toString(16));
  const gauge = ofStatus(metrics, member);
  gauge("etcd_server_has_leader", "Whether the member knows a leader.", ({ leader }) => (leader === 0n ? 0 : 1));
  gauge("etcd_server_is_leader", "Whether the member leads.", ({ role }) => (role === "leader" ? 1 : 0));
  gauge("etcd_server_is_learner", "Whether the member learns.", ({ isLearner }) => (isLearner ? 1 : 0));
  gauge("etcd_server_proposals_committed_total", "The last entry committed.", ({ commitIndex }) => commitIndex);
  gauge("etcd_server_proposals_applied_total", "The last entry applied.", ({ appliedIndex }) => appliedIndex);
  gauge("etcd_debugging_mvcc_current_revision", "The revision of the store.", ({ revision }) => revision);
  const bytes = "Keys and values held, all revisions.";
  gauge("etcd_mvcc_db_total_size_in_bytes", bytes, ({ storeBytes }) => storeBytes);
  gauge("etcd_mvcc_db_total_size_in_use_in_bytes", bytes, ({ storeBytes }) => storeBytes);
  gauge("holdfast_log_size_bytes", "The log on the disk.", ({ logBytes }) => logBytes);
  metrics.readFrom({
    name: "holdfast_alarms",
    help: "Alarms raised in the cluster, as this member knows.",
    type: "gauge",
    labels: ["alarm"],
    read(tell) {
      for (const alarm of ["NOSPACE", "CORRUPT"]) tell(0, alarm);
      for (const { type } of member.status().alarms) tell(1, type);
    },
  });
}

function defineRaftMetrics(metrics: Metrics, member: Member): void {
  const gauge = ofStatus(metrics, member);
  gauge("raft_term", "The term.", ({ term }) => term);
  gauge("raft_apply_lag_entries", "Committed and not applied here.", ({ commitIndex, appliedIndex }) =>
    Math.max(0, commitIndex - appliedIndex),
  );
  const byRole: Read = (tell) => {
    const { role } = member.status();
    for (const each of roles) tell(each === role ? 1 : 0, each);
  };
  metrics.readFrom({
    name: "raft_role",
    help: "1 for the member's part.",
    type: "gauge",
    labels: ["role"],
    read: byRole,
  });
  metrics.readFrom({
    name: "raft_members",
    help: "Members of the cluster, as this one knows.",
    type: "gauge",
    labels: ["kind"],
    read(tell) {
      const members = member.members();
      const learners = members.filter(({ isLearner }) => isLearner === true).length;
      tell(members.length - learners, "voter");
      tell(learners, "learner");
    },
  });
}

function defineMembershipMetrics(metrics: Metrics, membership: MembershipView): void {
  metrics.readFrom({
    name: "membership_members",
    help: "Members that gossip, by what this one holds them for.",
    type: "gauge",
    labels: ["state"],
    read(tell) {
      for (const state of memberStates) tell(0, state);
      for (const { state } of membership.members()) tell(1, state);
    },
  });
  metrics.readFrom({
    name: "membership_last_heard_seconds",
    help: "Since this member last heard another itself; without those that have left.",
    type: "gauge",
    labels: ["member"],
    read(tell) {
      for (const { name, state } of membership.members()) {
        const heard = membership.heardMsAgo(name);
        if (state !== "left" && heard !== undefined) tell(heard / 1_000, name);
      }
    },
  });
}
