import { statusReader } from "../client/cluster-status.ts";
import type { GossipMember } from "../http/members-document.ts";
import { addressText } from "../supervisor/cluster-plan.ts";
import { formatDuration } from "../supervisor/cluster-view.ts";
import { clientOptions, explainClientError } from "./ask-cluster.ts";
import { clientIdentity } from "./client-options.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes } from "./exit.ts";
import { printable, type Style, type Terminal } from "./terminal.ts";

export const membersCommand: Command = defineCommand({
  name: "members",
  summary: "whom the members hold for alive, suspect, dead or gone, and since when",
  examples: ["holdfast members", "holdfast members --json", "holdfast members --endpoints http://10.0.0.1:2379"],
  options: clientOptions,
  async run({ options, terminal }) {
    // A member that does not answer must not use up the time of the whole question.
    const reader = statusReader({
      timeoutMs: Math.min(options.timeoutMs, 2000),
      tls: clientIdentity(options).tls,
    });
    try {
      const document = await reader.members(options.endpoints);
      if (options.json) terminal.document(document);
      else for (const line of renderMembers(document.members, terminal.style)) terminal.out(line);
      return exitCodes.ok;
    } catch (error) {
      throw explainClientError(error);
    } finally {
      reader.close();
    }
  },
});

const stateText = { alive: "● alive", suspect: "◌ suspect", dead: "✕ dead", left: "○ left" } as const;
const stateStyle: Readonly<Partial<Record<GossipMember["state"], Style>>> = {
  suspect: "yellow",
  dead: "red",
  left: "dim",
};

export function renderMembers(members: readonly GossipMember[], style: Terminal["style"]): string[] {
  const header = ["NAME", "STATE", "FOR", "ROLE", "HEARD", "CLIENT", "GOSSIP"];
  const rows = members.map((member) => row(member));
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    style("dim", line(header)),
    ...rows.map((cells, at) => {
      const named = stateStyle[members[at]!.state];
      return named === undefined ? line(cells) : style(named, line(cells));
    }),
  ];
}

function row(member: GossipMember): string[] {
  const isHere = member.state === "alive" || member.state === "suspect";
  const role = member.role === null ? "-" : isHere ? member.role : `was ${member.role}`;
  const heard = member.lastHeardMs < 1000 ? "now" : `${formatDuration(member.lastHeardMs)} ago`;
  const since = member.sinceMs === null ? "-" : formatDuration(member.sinceMs);
  const cells = [
    member.name,
    stateText[member.state],
    since,
    role,
    heard,
    member.clientUrl ?? "-",
    addressText(member),
  ];
  // Names and hosts come from whoever takes part.
  return cells.map(printable);
}
