import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultProxy, type FaultProxy } from "holdfast/adapters/fault-proxy";
import type { LiveTarget } from "holdfast/proof";
import type { Address } from "holdfast/runtime";
import { addressText, type ClusterPlan, type MemberPlan } from "./cluster-plan.ts";
import { writeRouteFile } from "./route-file.ts";
import { RoutesTarget } from "./routes-target.ts";

/** What `from` says to `to`, and hears back, of one kind. */
export interface PeerRoute {
  readonly from: string;
  readonly to: string;
  /** What the member believes to reach. */
  readonly place: Address;
  readonly proxy: FaultProxy;
}

/**
 * The ways between members, each through proxies of its own: `FROM-TO` for Raft, and for gossip `FROM-TO.tcp` and
 * `FROM-TO.udp`. Members come and go while the others run: each finds its proxies in a file, which it looks at again.
 */
export interface PeerRoutes {
  /** Options of `holdfast node` that send the member through its proxies. */
  lineOf(member: Pick<MemberPlan, "name">): readonly string[];
  /** A member's ways to all others, as one target. */
  targetOf(member: Pick<MemberPlan, "name">): LiveTarget;
  /** Opens the ways between a new member and all others: before anybody dials it. */
  add(member: MemberPlan): Promise<void>;
  /** Closes the ways of one that is no member any more. */
  remove(name: string): Promise<void>;
  /** Those that are open. */
  all(): readonly PeerRoute[];
  close(): Promise<void>;
}

export async function openPeerRoutes(plan: Pick<ClusterPlan, "members">): Promise<PeerRoutes> {
  const routes = new Routes();
  try {
    for (const member of plan.members) await routes.add(member);
    return routes;
  } catch (error) {
    await routes.close();
    throw error;
  }
}

class Routes implements PeerRoutes {
  readonly #directory = mkdtempSync(join(tmpdir(), "holdfast-routes-"));
  readonly #members = new Map<string, MemberPlan>();
  readonly #targets = new Map<string, RoutesTarget>();
  #routes: readonly PeerRoute[] = [];

  lineOf({ name }: Pick<MemberPlan, "name">): readonly string[] {
    return [`--through=${this.#fileOf(name)}`];
  }

  targetOf({ name }: Pick<MemberPlan, "name">): LiveTarget {
    const target = this.#targets.get(name);
    if (target === undefined) throw new Error(`no ways lead to ${name}`);
    return target;
  }

  async add(member: MemberPlan): Promise<void> {
    const others = [...this.#members.values()];
    const opened: PeerRoute[] = [];
    try {
      for (const other of others) {
        opened.push(...(await openWay(member, other)));
        opened.push(...(await openWay(other, member)));
      }
      this.#members.set(member.name, member);
      this.#targets.set(member.name, new RoutesTarget(member.name, () => this.#routes));
      this.#routes = [...this.#routes, ...opened];
      // What strikes a member's ways strikes the new ones, too.
      for (const target of this.#targets.values()) await target.adopt(opened);
      for (const name of this.#members.keys()) this.#write(name);
    } catch (error) {
      await this.remove(member.name);
      await closeAll(opened);
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    const isOf = ({ from, to }: PeerRoute): boolean => from === name || to === name;
    const gone = this.#routes.filter(isOf);
    this.#routes = this.#routes.filter((route) => !isOf(route));
    this.#targets.delete(name);
    if (this.#members.delete(name)) for (const other of this.#members.keys()) this.#write(other);
    await closeAll(gone);
  }

  all(): readonly PeerRoute[] {
    return this.#routes;
  }

  async close(): Promise<void> {
    rmSync(this.#directory, { recursive: true, force: true });
    await closeAll(this.#routes);
  }

  #write(name: string): void {
    const own = this.#routes.filter(({ from }) => from === name);
    const table = (protocol: FaultProxy["protocol"]): Readonly<Record<string, string>> =>
      Object.fromEntries(
        own
          .filter(({ proxy }) => proxy.protocol === protocol)
          .map(({ place, proxy }) => [addressText(place), addressText(proxy.address)]),
      );
    writeRouteFile(this.#fileOf(name), { tcp: table("tcp"), udp: table("udp") });
  }

  #fileOf(name: string): string {
    return join(this.#directory, `${name}.json`);
  }
}

async function openWay(from: MemberPlan, to: MemberPlan): Promise<readonly PeerRoute[]> {
  const name = `${from.name}-${to.name}`;
  const between = [
    [name, "tcp", to.peer],
    [`${name}.tcp`, "tcp", to.gossip],
    [`${name}.udp`, "udp", to.gossip],
  ] as const;
  const opened: PeerRoute[] = [];
  try {
    for (const [way, protocol, place] of between) {
      const proxy = await faultProxy({ name: way, protocol, upstream: place });
      opened.push({ from: from.name, to: to.name, place, proxy });
    }
    return opened;
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function closeAll(routes: readonly PeerRoute[]): Promise<void> {
  await Promise.all(routes.map(({ proxy }) => proxy.close()));
}
