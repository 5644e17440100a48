import { join } from "node:path";
import type { Address } from "holdfast/runtime";
import { gossipPortOffset } from "../gossip/gossip-address.ts";

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
}

export interface ClusterPlan {
  readonly clusterName: string;
  readonly directory: string;
  readonly members: readonly MemberPlan[];
  readonly timers: TimerPreset;
}

/** A client port, its peer port one above, its HTTP port two, its gossip port three above; the next member ten above. */
export const memberPortStep = 10;

/** Members n1, n2, … on this machine, each with a directory of its own below `directory`. */
export function planCluster(options: {
  readonly nodes: number;
  readonly directory: string;
  readonly port: number;
  readonly timers?: TimerPreset;
}): ClusterPlan {
  const members = Array.from({ length: options.nodes }, (_, index): MemberPlan => {
    const name = `n${index + 1}`;
    const port = options.port + index * memberPortStep;
    return {
      name,
      directory: join(options.directory, name),
      client: { host: "127.0.0.1", port },
      peer: { host: "127.0.0.1", port: port + 1 },
      http: { host: "127.0.0.1", port: port + 2 },
      gossip: { host: "127.0.0.1", port: port + 1 + gossipPortOffset },
    };
  });
  const { directory, timers = "standard" } = options;
  return { clusterName: "holdfast", directory, members, timers };
}

export function addressText(address: Address): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

export function clientUrl(member: Pick<MemberPlan, "client">): string {
  return `http://${addressText(member.client)}`;
}

/** The line that starts one member of a plan. */
export function nodeArguments(plan: ClusterPlan, member: MemberPlan): readonly string[] {
  const options: Readonly<Record<string, string>> = {
    "--name": member.name,
    "--data": member.directory,
    "--cluster-name": plan.clusterName,
    "--cluster": plan.members.map(({ name, peer }) => `${name}=${addressText(peer)}`).join(","),
    "--client": addressText(member.client),
    "--peer": addressText(member.peer),
    "--http": addressText(member.http),
    "--gossip": addressText(member.gossip),
    "--timers": plan.timers,
  };
  return ["node", ...Object.entries(options).map(([name, value]) => `${name}=${value}`)];
}
