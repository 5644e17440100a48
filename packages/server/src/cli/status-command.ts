import type { AlarmType } from "holdfast/coordination";
import { statusReader, type ClusterReport, type MemberReport } from "../client/cluster-status.ts";
import { clientOptions, explainClientError } from "./ask-cluster.ts";
import { clientIdentity } from "./client-options.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

export const statusCommand: Command = defineCommand({
  name: "status",
  summary: "who leads, who is alive, how far each member is",
  examples: ["holdfast status", "holdfast status --json", "holdfast status --endpoints http://10.0.0.1:2379"],
  options: clientOptions,
  async run({ options, terminal }) {
    // A member that does not answer must not use up the time of the whole question.
    const reader = statusReader({
      timeoutMs: Math.min(options.timeoutMs, 2000),
      tls: clientIdentity(options).tls,
    });
    try {
      const report = await reader.cluster(options.endpoints);
      if (options.json) terminal.document(report);
      else for (const line of renderStatus(report, terminal.style)) terminal.out(line);
      return exitCodes.ok;
    } catch (error) {
      throw explainClientError(error);
    } finally {
      reader.close();
    }
  },
});

const roleText = { leader: "★ leader", follower: "● follower", candidate: "◌ candidate" } as const;

/** What an alarm does, and what ends it. */
const alarmText: Readonly<Record<AlarmType, string>> = {
  NOSPACE: "puts and leases are refused; delete keys, then: holdfast compact --keep 0, holdfast alarm disarm",
  CORRUPT: "all changes of keys are refused; find out which member is wrong before: holdfast alarm disarm",
};

export function renderStatus({ leader, members, alarms = [] }: ClusterReport, style: Terminal["style"]): string[] {
  const alive = members.filter((member) => member.alive).length;
  const healthy = leader !== null && alive === members.length && alarms.length === 0;
  const serving = leader !== null && alive > members.length / 2;
  const verdict = healthy
    ? style("green", "✓ healthy")
    : serving
      ? style("yellow", "▲ degraded")
      : style("red", "✕ no service");
  const header = ["NAME", "ROLE", "CLIENT", "TERM", "COMMIT", "APPLIED"];
  const rows = members.map((member) => row(member));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  return [
    `${verdict}: ${alive} of ${members.length} members alive, ${leader === null ? "nobody leads" : `${leader} leads`}`,
    ...alarms.map((alarm) => style("yellow", `alarm ${alarm}: ${alarmText[alarm]}`)),
    "",
    style("dim", line(header)),
    ...rows.map((cells, index) => (members[index]?.alive ? line(cells) : style("red", line(cells)))),
  ];
}

function row(member: MemberReport): string[] {
  const number = (value: number | null): string => (value === null ? "-" : String(value));
  return [
    member.name,
    member.role === null ? "✕ dead" : roleText[member.role],
    member.clientUrl,
    number(member.term),
    number(member.commitIndex),
    number(member.appliedIndex),
  ];
}
