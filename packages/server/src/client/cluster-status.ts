import type { AlarmType, MemberRole } from "holdfast/coordination";
import type { StatusDocument } from "../http/member-status.ts";
import type { MembersDocument } from "../http/members-document.ts";
import { openConnections, type ClientTls } from "./connections.ts";
import { UnreachableError } from "./gateway-error.ts";
import { exchange } from "./http-exchange.ts";

/** A member as the rest sees it; one that does not answer is not alive, and what it would say is null. */
export interface MemberReport {
  readonly name: string;
  readonly clientUrl: string;
  readonly httpUrl: string | null;
  readonly alive: boolean;
  readonly role: MemberRole | null;
  readonly term: number | null;
  readonly commitIndex: number | null;
  readonly appliedIndex: number | null;
}

export interface ClusterReport {
  /** The name of the member that leads in the newest term, by its own word; null when none does. */
  readonly leader: string | null;
  /** By name. */
  readonly members: readonly MemberReport[];
  /** Those raised, by the word of the member that was asked first. Absent: none. */
  readonly alarms?: readonly AlarmType[];
}

/** Asks members for their own view; keeps connections between questions. */
export interface StatusReader {
  /** @throws Error when it does not answer in time or is no Holdfast member */
  member(origin: string): Promise<StatusDocument>;
  /** Asks the endpoints who the members are, then every member how it is. @throws UnreachableError */
  cluster(endpoints: readonly string[]): Promise<ClusterReport>;
  /** Asks the endpoints who takes part in the gossip; the first that answers is believed. @throws UnreachableError */
  members(endpoints: readonly string[]): Promise<MembersDocument>;
  close(): void;
}

export function statusReader(options: {
  readonly timeoutMs: number;
  readonly tls?: ClientTls | undefined;
}): StatusReader {
  const connections = openConnections(options);

  async function read(origin: string, path: string, missing: string): Promise<unknown> {
    const answer = await exchange(connections, { origin, method: "GET", path, timeoutMs: options.timeoutMs });
    if (answer.kind !== "answered") throw answer.cause;
    if (answer.status === 404) throw new Error(missing);
    if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.body.slice(0, 200)}`);
    return JSON.parse(answer.body) as unknown;
  }

  async function member(origin: string): Promise<StatusDocument> {
    return (await read(origin, "/holdfast/v1/status", "no Holdfast member answers there")) as StatusDocument;
  }

  async function firstAnswer<T>(endpoints: readonly string[], ask: (endpoint: string) => Promise<T>): Promise<T> {
    const tried = new Map<string, Error>();
    for (const endpoint of endpoints) {
      try {
        return await ask(endpoint);
      } catch (error) {
        tried.set(endpoint, error as Error);
      }
    }
    throw new UnreachableError(tried);
  }

  async function cluster(endpoints: readonly string[]): Promise<ClusterReport> {
    return await firstAnswer(endpoints, async (endpoint) => {
      const { members, alarms } = await member(endpoint);
      const reports = await Promise.all(members.map((info) => report(info)));
      return {
        leader: leaderOf(reports),
        members: reports.sort((left, right) => (left.name < right.name ? -1 : 1)),
        ...(alarms === undefined ? {} : { alarms }),
      };
    });
  }

  async function members(endpoints: readonly string[]): Promise<MembersDocument> {
    return await firstAnswer(endpoints, async (endpoint) => {
      const path = "/holdfast/v1/members";
      return (await read(endpoint, path, "no member that watches the others answers there")) as MembersDocument;
    });
  }

  async function report(info: StatusDocument["members"][number]): Promise<MemberReport> {
    const clientUrl = info.clientUrls[0] ?? "";
    const known = { name: info.name, clientUrl, httpUrl: info.httpUrls[0] ?? null };
    // A witness has no clients; it tells people how it is.
    const url = info.clientUrls[0] ?? info.httpUrls[0] ?? "";
    try {
      const { member: own } = await member(new URL(url).origin);
      // Another process may have taken the port of a member that is gone.
      if (own.id !== info.id) throw new Error(`member ${own.name} answers at ${url}`);
      const { role, term, commitIndex, appliedIndex } = own;
      return { ...known, alive: true, role, term, commitIndex, appliedIndex };
    } catch {
      return { ...known, alive: false, role: null, term: null, commitIndex: null, appliedIndex: null };
    }
  }

  return { member, cluster, members, close: () => connections.close() };
}

/** A leader cut off from the rest goes on saying that it leads, in an older term: the newest term decides. */
export function leaderOf(members: readonly Pick<MemberReport, "name" | "role" | "term">[]): string | null {
  const leaders = members.filter((member) => member.role === "leader");
  return leaders.sort((left, right) => (right.term ?? 0) - (left.term ?? 0))[0]?.name ?? null;
}
