import { join } from "node:path";
import type { Address } from "holdfast/runtime";
import type { ClientTls } from "../client/connections.ts";
import { gossipPortOffset } from "../gossip/gossip-address.ts";
import { firstLayout, type ClusterLayout, type PlacedMember } from "./cluster-layout.ts";

/** How soon a dead leader is replaced; see raftPresets. */
export const timerPresets = ["standard", "fast"] as const;
export type TimerPreset = (typeof timerPresets)[number];

/** Where one member lives: its directory and its four ports. */
export interface MemberPlan {
  readonly name: string;
  readonly directory: string;
  /** For clients: the etcd v3 protocol. */
  readonly client: Address;
  /** For the other members. */
  readonly peer: Address;
  /** For people. */
  readonly http: Address;
  /** For the other members, to watch each other. */
  readonly gossip: Address;
  /** Clients and people are served in TLS. */
  readonly isSecure?: boolean;
  /** Of one that was added later: where the others gossip, through whom it finds the cluster. */
  readonly joins?: readonly Address[];
}

/** How a plan's members are secured. */
export interface ClusterTls {
  /** Options of `holdfast node`. */
  readonly nodeLine: readonly string[];
  /** Clients and people are served in TLS; else only members speak it among themselves. */
  readonly isClientSecure: boolean;
  /** What we go by when we ask members ourselves. */
  readonly own: ClientTls;
  /** What client commands are to be given, by option. */
  readonly clientFiles: { readonly cacert?: string; readonly cert?: string; readonly key?: string };
}

export interface ClusterPlan {
  readonly clusterName: string;
  readonly directory: string;
  readonly members: readonly MemberPlan[];
  /** Those that the cluster began with, where they are others. */
  readonly founders?: readonly Pick<MemberPlan, "name" | "peer">[];
  readonly timers: TimerPreset;
  readonly tls?: ClusterTls | undefined;
  /** The last of those that the cluster begins with votes and holds no keys. */
  readonly hasWitness?: boolean;
}

/** A client port, its peer port one above, its HTTP port two, its gossip port three above; the next member ten above. */
export const memberPortStep = 10;

const clusterName = "holdfast";

/** Members n1, n2, … on this machine, or those that have taken their places, each with a directory below `directory`. */
export function planCluster(options: {
  readonly nodes: number;
  readonly directory: string;
  readonly port: number;
  readonly timers?: TimerPreset;
  readonly tls?: ClusterTls | undefined;
  readonly layout?: ClusterLayout;
  readonly hasWitness?: boolean;
}): ClusterPlan {
  const { directory, timers = "standard", tls, layout = firstLayout(clusterName, options.nodes) } = options;
  const places = layout.members.map((member) => placeMember(member, options));
  const members = places.map((member, at) => {
    if (layout.members[at]!.slot < layout.founders) return member;
    return { ...member, joins: places.filter((other) => other !== member).map(({ gossip }) => gossip) };
  });
  const kind = options.hasWitness === true ? { hasWitness: true } : {};
  const plan = { clusterName, directory, members, timers, tls, ...kind };
  if (members.every(({ joins }) => joins === undefined)) return plan;
  const first = firstLayout(clusterName, layout.founders).members;
  return { ...plan, founders: first.map((member) => placeMember(member, options)) };
}

/** Where a member of a cluster on this machine lives. */
export function placeMember(
  { name, slot, clientSlot }: PlacedMember,
  options: { readonly directory: string; readonly port: number; readonly tls?: ClusterTls | undefined },
): MemberPlan {
  const client = options.port + clientSlot * memberPortStep;
  const own = options.port + slot * memberPortStep;
  return {
    name,
    directory: join(options.directory, name),
    client: { host: "127.0.0.1", port: client },
    peer: { host: "127.0.0.1", port: own + 1 },
    http: { host: "127.0.0.1", port: client + 2 },
    gossip: { host: "127.0.0.1", port: own + 1 + gossipPortOffset },
    ...(options.tls?.isClientSecure === true ? { isSecure: true } : {}),
  };
}

export function addressText(address: Address): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

export function clientUrl({ client, isSecure }: Pick<MemberPlan, "client" | "isSecure">): string {
  return `${isSecure === true ? "https" : "http"}://${addressText(client)}`;
}

export function httpUrl({ http, isSecure }: Pick<MemberPlan, "http" | "isSecure">): string {
  return `${isSecure === true ? "https" : "http"}://${addressText(http)}`;
}

/** The line that starts one member of a plan. */
export function nodeArguments(plan: ClusterPlan, member: MemberPlan): readonly string[] {
  const options: Readonly<Record<string, string>> = {
    "--name": member.name,
    "--data": member.directory,
    "--cluster-name": plan.clusterName,
    ...homeOf(plan, member),
    "--client": addressText(member.client),
    "--peer": addressText(member.peer),
    "--http": addressText(member.http),
    "--gossip": addressText(member.gossip),
    "--timers": plan.timers,
  };
  const line = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return ["node", ...line, ...(plan.tls?.nodeLine ?? [])];
}

/** The others' first members, or for one that was added later, where to ask. */
function homeOf(
  { members, founders = members, hasWitness }: ClusterPlan,
  { joins }: MemberPlan,
): Readonly<Record<string, string>> {
  if (joins !== undefined) return { "--join": joins.map(addressText).join(",") };
  const cluster = founders.map(({ name, peer }) => `${name}=${addressText(peer)}`).join(",");
  return { "--cluster": cluster, ...(hasWitness === true ? { "--witness": founders.at(-1)!.name } : {}) };
}
