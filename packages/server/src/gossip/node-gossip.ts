import type { MemberRole } from "holdfast/coordination";
import { createMembership, type Keyring, type Membership, type MembershipEvent } from "holdfast/membership";
import type { Address, Runtime } from "holdfast/runtime";
import { printable } from "../cli/terminal.ts";
import type { MembershipView } from "../http/members-document.ts";
import type { GossipPlaces } from "./gossip-address.ts";
import { warnOfForeignKeys } from "./key-warning.ts";
import { encodeNotice, type NodeNotice } from "./node-notice.ts";
import { StateTimes } from "./state-times.ts";

export interface NodeGossipOptions {
  readonly runtime: Runtime;
  readonly name: string;
  readonly clusterName: string;
  readonly places: GossipPlaces;
  readonly seeds: readonly Address[];
  readonly notice: Omit<NodeNotice, "role">;
  /** Undefined: nothing is sealed. */
  readonly keyring: Keyring | undefined;
  /** From the first event on. `heardMsAgo` is as of the event. */
  readonly onEvent?: (event: MembershipEvent, heardMsAgo: (name: string) => number) => void;
  /** A line for people whenever a member joins, leaves, dies or returns. */
  readonly say: (line: string) => void;
}

/** The part of a node that watches the other nodes. */
export interface NodeGossip {
  readonly membership: Membership;
  /** What is served of it. */
  readonly view: MembershipView;
  /** Tells the others, when it has changed. */
  setRole(role: MemberRole): void;
  /** Says farewell, for a second at most, and closes. */
  leave(): Promise<void>;
}

/** Members that stop together have nobody left to say farewell to. */
const farewellMs = 1_000;

/** @throws InvalidArgumentError, or the platform's error when the port cannot be had */
export async function startNodeGossip(options: NodeGossipOptions): Promise<NodeGossip> {
  const { runtime, name, clusterName, places, seeds, notice, keyring, onEvent, say } = options;
  let role: MemberRole | null = null;
  let isLeaving = false;
  const times = new StateTimes(runtime.clock);
  times.enter(name);
  const membership = await createMembership({
    runtime,
    name,
    label: clusterName,
    host: places.host,
    listenHost: places.listen.host,
    port: places.listen.port,
    seeds,
    meta: encodeNotice({ role, ...notice }),
    ...(keyring === undefined ? {} : { keyring }),
    onEvent: (event) => times.take(event),
  });
  membership.subscribe((event) => {
    onEvent?.(event, (member) => membership.heardMsAgo(member) ?? 0);
    const line = isLeaving ? undefined : describe(event, membership);
    if (line !== undefined) say(printable(line));
  });
  const stopWarning = warnOfForeignKeys({ clock: runtime.clock, dropped: () => membership.metrics.dropped, say });
  return {
    membership,
    view: {
      members: () => membership.members(),
      heardMsAgo: (member) => membership.heardMsAgo(member),
      unansweredMs: (member) => membership.unansweredMs(member),
      sinceMs: (member) => times.sinceMs(member),
    },
    setRole(next) {
      if (isLeaving || next === role) return;
      role = next;
      membership.updateMeta(encodeNotice({ role, ...notice }));
    },
    async leave() {
      isLeaving = true;
      stopWarning();
      const enough = new AbortController();
      const timeout = runtime.clock.sleep(farewellMs, { signal: enough.signal }).catch(() => undefined);
      await Promise.race([membership.leave(), timeout]);
      enough.abort();
      await membership.close();
    },
  };
}

function describe(event: MembershipEvent, membership: Membership): string | undefined {
  switch (event.type) {
    case "join":
      return `${event.member.name} joined`;
    case "return":
      return `${event.member.name} is back`;
    case "left":
      return `${event.member.name} left`;
    case "failed":
      return `${event.member.name} is dead, last heard ${seconds(membership.heardMsAgo(event.member.name))} ago`;
    case "conflict":
      return `another process at ${event.other.host}:${event.other.port} calls itself ${event.name}`;
    default:
      return undefined;
  }
}

function seconds(durationMs: number | undefined): string {
  return `${((durationMs ?? 0) / 1000).toFixed(1)} s`;
}
