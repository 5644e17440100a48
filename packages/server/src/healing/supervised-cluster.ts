import { CoordinationError } from "holdfast/coordination";
import type { HealingOrder, HealingPorts, HealingResult, SeenMembers } from "holdfast/recovery";
import { statusReader, type StatusReader } from "../client/cluster-status.ts";
import { gatewayClient, type GatewayClient } from "../client/gateway-client.ts";
import { UnreachableError } from "../client/gateway-error.ts";
import type { PlacedMember } from "../supervisor/cluster-layout.ts";
import { addressText, clientUrl, placeMember, type ClusterPlan, type MemberPlan } from "../supervisor/cluster-plan.ts";
import { firstUnusablePort } from "../supervisor/port-check.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { LayoutKeeper } from "./layout-keeper.ts";
import { leaderAmong, MemberHistory, membersWithFullDisk, type MemberAnswer } from "./observe-members.ts";

export interface SupervisedClusterOptions {
  readonly plan: ClusterPlan;
  /** The first member's client port. */
  readonly port: number;
  readonly supervisor: Supervisor;
  readonly keeper: LayoutKeeper;
  /** The ways of a member to be, which are opened before anybody hears of it. */
  readonly ways?: { add(member: MemberPlan): Promise<void>; remove(name: string): Promise<void> } | undefined;
}

/** How healing sees and treats a cluster whose members are children of this process. */
export interface SupervisedCluster extends HealingPorts {
  close(): void;
}

const answerTimeoutMs = 1_000;
const changeTimeoutMs = 10_000;
const placeAttempts = 20;
/** The leader has told often enough by then. */
const strangerMs = 5_000;

/** What the leader answers to a change that it will not make now: nothing has happened. */
const refusals: ReadonlySet<string> = new Set([
  "MEMBERS_CHANGED",
  "UNHEALTHY_CLUSTER",
  "NOT_ENOUGH_STARTED",
  "LEARNER_NOT_READY",
  "TOO_MANY_LEARNERS",
  "PEER_URL_EXISTS",
  "MEMBER_NOT_FOUND",
  "MEMBER_NOT_LEARNER",
  "TRANSFER_FAILED",
  "BAD_LEADER_TRANSFEREE",
]);

export function supervisedCluster(options: SupervisedClusterOptions): SupervisedCluster {
  const { plan, supervisor, keeper, ways } = options;
  const tls = plan.tls?.own;
  const reader = statusReader({ timeoutMs: answerTimeoutMs, tls });
  const history = new MemberHistory();
  /** Whom the last look was about. */
  let names = new Map<string, string>();
  let answering: readonly string[] = [];
  /** Members here that the cluster does not have, and since when. */
  const strangers = new Map<string, number>();

  async function look(): ReturnType<HealingPorts["observe"]> {
    const supervised = supervisor.members();
    const answers = new Map<string, MemberAnswer>();
    await Promise.all(supervised.map((member) => ask(reader, member, answers)));
    const leader = leaderAmong(answers)?.member.name;
    const told = supervised.find((member) => member.plan.name === leader);
    const gossip = told && (await reader.members([clientUrl(told.plan)]).catch(() => undefined));
    answering = supervised.filter(({ plan: { name } }) => answers.has(name)).map((member) => clientUrl(member.plan));
    const observation = history.observe({
      supervised,
      answers,
      gossip,
      isOurs: (name) => keeper.isOurs(name),
      lossOf: (member) => keeper.lossOf(member.plan),
      full: await membersWithFullDisk(supervised, plan.directory),
      nowMs: performance.now(),
    });
    names = new Map(observation?.members.map(({ id, name }) => [id, name]));
    if (observation?.leader != null) await forgetStrangers(supervised.map((member) => member.plan.name));
    return observation;
  }

  /** Whoever was removed, and nobody could tell whether it was: it has gone from the cluster, and goes from here. */
  async function forgetStrangers(supervised: readonly string[]): Promise<void> {
    const members = new Set(names.values());
    for (const name of strangers.keys()) if (members.has(name)) strangers.delete(name);
    for (const name of supervised) {
      if (members.has(name)) continue;
      const since = strangers.get(name) ?? performance.now();
      strangers.set(name, since);
      if (performance.now() - since < strangerMs) continue;
      strangers.delete(name);
      await supervisor.drop(name);
      keeper.remove(name);
    }
  }

  async function change<T>(work: (client: GatewayClient) => Promise<T>): Promise<T> {
    const client = gatewayClient({ endpoints: answering, timeoutMs: changeTimeoutMs, tls });
    try {
      return await work(client);
    } finally {
      client.close();
    }
  }

  async function addLearner(replaces: string | null, seen: SeenMembers): Promise<HealingResult> {
    const replaced = replaces === null ? undefined : names.get(replaces);
    const place = await findPlace(replaced);
    if (place === undefined) return { outcome: "failed", reason: "no free ports were found" };
    const member = place.plan;
    const peerURLs = [`http://${addressText(member.peer)}`];
    await ways?.add(member);
    try {
      await change((client) =>
        client.call("/cluster/member/add", { peerURLs, isLearner: true, name: member.name, ...meant(seen) }),
      );
    } catch (error) {
      await ways?.remove(member.name);
      throw error;
    }
    keeper.add(place.placed);
    supervisor.add(member);
    return { outcome: "done" };
  }

  /** Clients find the new member where the old one was, unless that one still answers there. */
  async function findPlace(
    replaced: string | undefined,
  ): Promise<{ readonly placed: PlacedMember; readonly plan: MemberPlan } | undefined> {
    const old = replaced === undefined ? undefined : keeper.placeOf(replaced);
    const isGone = replaced !== undefined && supervisor.members().every(hasNoProcess(replaced));
    const joins = supervisor
      .members()
      .filter(({ plan: { name } }) => name !== replaced)
      .map(({ plan: { gossip } }) => gossip);
    for (let attempt = 0; attempt < placeAttempts; attempt++) {
      const placed = keeper.reserve(attempt === 0 && isGone ? old?.clientSlot : undefined);
      const member = { ...placeMember(placed, { ...options, directory: plan.directory, tls: plan.tls }), joins };
      const taken = await firstUnusablePort({ members: [member] });
      if (taken === undefined) return { placed, plan: member };
    }
    return undefined;
  }

  async function remove(id: string, seen: SeenMembers): Promise<HealingResult> {
    await change((client) => client.call("/cluster/member/remove", { ID: decimal(id), ...meant(seen) }));
    const name = names.get(id) ?? "";
    // Its process, if it has one, is no member's any more; its directory stays for whoever wants to look into it.
    if (supervisor.members().some((member) => member.plan.name === name)) await supervisor.drop(name);
    keeper.remove(name);
    return { outcome: "done" };
  }

  async function act({ action, seen }: HealingOrder): Promise<HealingResult> {
    switch (action.type) {
      case "restart":
        await supervisor.kill(names.get(action.member) ?? "");
        return { outcome: "done" };
      case "addLearner":
        return addLearner(action.replaces, seen);
      case "promote":
        await change((client) =>
          client.call("/cluster/member/promote", { ID: decimal(action.member), ...meant(seen) }),
        );
        return { outcome: "done" };
      case "remove":
        return remove(action.member, seen);
      case "transferLeadership":
        await change((client) => client.call("/maintenance/transfer-leadership", { targetID: decimal(action.to) }));
        return { outcome: "done" };
      default:
        return { outcome: "failed", reason: `there is nothing to ${action.type} here` };
    }
  }

  return {
    observe: look,
    async act(order, { recheck }) {
      try {
        const observation = await look();
        const against = observation === undefined ? "the cluster cannot be seen" : recheck(observation);
        return against === undefined ? await act(order) : { outcome: "refused", reason: against };
      } catch (error) {
        if (error instanceof UnreachableError) return { outcome: "refused", reason: error.message };
        if (!(error instanceof CoordinationError)) throw error;
        const outcome = refusals.has(error.code) ? "refused" : error.code === "TIMED_OUT" ? "unknown" : "failed";
        return { outcome, reason: error.message };
      }
    },
    close: () => reader.close(),
  };
}

async function ask(
  reader: StatusReader,
  { plan, pid }: ReturnType<Supervisor["members"]>[number],
  answers: Map<string, MemberAnswer>,
): Promise<void> {
  if (pid === undefined) return;
  const startedAtMs = performance.now();
  try {
    const document = await reader.member(clientUrl(plan));
    // Another may answer there by now.
    if (document.member.name === plan.name) {
      answers.set(plan.name, { document, tookMs: performance.now() - startedAtMs });
    }
  } catch {
    // It does not answer.
  }
}

function hasNoProcess(name: string): (member: ReturnType<Supervisor["members"]>[number]) => boolean {
  return ({ plan, pid }) => plan.name !== name || pid === undefined;
}

function meant({ voters, learners }: SeenMembers): object {
  return { ifVoters: voters.map(decimal), ifLearners: learners.map(decimal) };
}

/** Ids are hexadecimal in what members say, and decimal in what they are asked. */
function decimal(id: string): string {
  return BigInt(`0x${id}`).toString();
}
