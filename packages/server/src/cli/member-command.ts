import { addressText } from "../supervisor/cluster-plan.ts";
import type { GatewayClient } from "../client/gateway-client.ts";
import { askCluster, clientOptions } from "./ask-cluster.ts";
import { findMember, memberIn, membersIn, readMembers, wireId, type ClusterMember } from "./cluster-members.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, usageError } from "./exit.ts";
import { address, flag } from "./option.ts";
import { printable, type Terminal } from "./terminal.ts";

const actions = ["list", "add", "remove", "update", "promote"] as const;
type Action = (typeof actions)[number];

export const memberCommand: Command = defineCommand({
  name: "member",
  summary: "who belongs to the cluster: list, add, remove, update, promote",
  examples: [
    "holdfast member list",
    "holdfast member add n4 --peer 10.0.0.4:2380",
    "holdfast member add n4 --peer 10.0.0.4:2380 --learner",
    "holdfast member add w --peer 10.0.0.9:2380 --witness   # a third vote for two members",
    "holdfast member promote n4",
    "holdfast member update n4 --peer 10.0.0.5:2380",
    "holdfast member remove n4",
  ],
  positionals: [
    { name: "ACTION", help: "list, add, remove, update or promote" },
    { name: "NAME", help: "the member, by name or id", optional: true },
  ],
  options: {
    peer: address({ help: "add, update: where the others reach it" }),
    learner: flag("add: it gets everything and decides nothing until it is promoted"),
    witness: flag("add: it votes and holds no keys, for good: for a third, small machine that breaks ties"),
    ...clientOptions,
  },
  async run({ options, positionals: [action = "", name], terminal }) {
    const request = checkLine({ ...options, action, name });
    const done = await askCluster(options, (client) => perform(client, request));
    if (options.json)
      terminal.document({ ...(done.member === undefined ? {} : { member: done.member }), members: done.members });
    else for (const line of done.say(terminal.style)) terminal.out(line);
    return exitCodes.ok;
  },
});

/** What the line asks for. */
export interface MemberRequest {
  readonly action: Action;
  readonly name: string;
  readonly peerUrl: string;
  readonly isLearner: boolean;
  readonly isWitness: boolean;
}

interface Line {
  readonly action: string;
  readonly name: string | undefined;
  readonly peer: { readonly host: string; readonly port: number } | undefined;
  readonly learner: boolean;
  readonly witness: boolean;
}

/** @throws ExitError (usage) */
export function checkLine({ action, name, peer, learner, witness }: Line): MemberRequest {
  const known = actions.find((candidate) => candidate === action);
  if (known === undefined) {
    throw usageError(`ACTION must be one of ${actions.join(", ")} (got ${JSON.stringify(action)})`);
  }
  const needsPeer = known === "add" || known === "update";
  if (known === "list" && name !== undefined) throw usageError(`unexpected argument ${JSON.stringify(name)}`);
  if (known !== "list" && (name ?? "") === "") throw usageError(`NAME is missing: the member to ${known}`);
  if (needsPeer && peer === undefined) throw usageError("--peer is required: --peer HOST:PORT");
  if (!needsPeer && peer !== undefined) throw usageError(`--peer is for add and update, not for ${known}`);
  if (learner && known !== "add") throw usageError(`--learner is for add, not for ${known}`);
  if (witness && known !== "add") throw usageError(`--witness is for add, not for ${known}`);
  if (witness && learner) throw usageError("--witness and --learner exclude each other");
  if (peer?.port === 0) throw usageError("--peer must have a port that the others can reach (got 0)");
  const peerUrl = peer === undefined ? "" : `http://${addressText(peer)}`;
  return { action: known, name: name ?? "", peerUrl, isLearner: learner, isWitness: witness };
}

interface Done {
  readonly members: readonly ClusterMember[];
  readonly member?: ClusterMember;
  readonly say: (style: Terminal["style"]) => readonly string[];
}

async function perform(client: GatewayClient, request: MemberRequest): Promise<Done> {
  const { action, name, peerUrl, isLearner, isWitness } = request;
  const before = await readMembers(client);
  if (action === "list") return { members: before, say: (style) => renderMemberList(before, style) };
  if (action === "add") {
    if (before.some((member) => member.name === name)) throw usageError(`the cluster has a member ${name} already`);
    const answer = await client.call("/cluster/member/add", {
      peerURLs: [peerUrl],
      isLearner,
      name,
      // Not said where it is not wanted: others than Holdfast do not know it.
      ...(isWitness ? { isWitness } : {}),
    });
    const member = memberIn((answer["member"] ?? {}) as Readonly<Record<string, unknown>>);
    const say = (): readonly string[] => [
      `${name} was added as ${member.id}${isLearner ? ", a learner" : isWitness ? ", a witness" : ""}; start it with an empty directory:`,
      `  holdfast node --name ${name} --data DIR --peer ${peerUrl.slice("http://".length)} --client HOST:PORT --http HOST:PORT --join HOST:PORT`,
    ];
    return { members: membersIn(answer), member, say };
  }
  const member = findMember(before, name);
  const ID = wireId(member);
  const document = action === "update" ? { ID, peerURLs: [peerUrl] } : { ID };
  const members = membersIn(await client.call(`/cluster/member/${action}`, document));
  const told = {
    remove: "was removed; it stops, and its id is never used again",
    promote: "votes from now on",
    update: `is reached at ${peerUrl.slice("http://".length)}`,
  }[action];
  return { members, member, say: () => [`${name} ${told}`] };
}

export function renderMemberList(members: readonly ClusterMember[], style: Terminal["style"]): string[] {
  const rows = members.map(({ id, name, peerUrls, clientUrls, isLearner, isWitness }) =>
    [
      id,
      name === "" ? "-" : name,
      isWitness ? "witness" : clientUrls.length === 0 ? "never ran" : isLearner ? "learner" : "voter",
      peerUrls.join(","),
      clientUrls.join(",") || "-",
    ].map(printable),
  );
  const header = ["ID", "NAME", "KIND", "PEER", "CLIENT"];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return [style("dim", line(header)), ...rows.map(line)];
}
