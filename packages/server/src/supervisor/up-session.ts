import type { UpDashboard } from "../dashboard/up-dashboard.ts";
import type { HealingFact } from "holdfast/telemetry";
import { environmentError } from "../cli/exit.ts";
import type { ServeTls } from "../port.ts";
import type { Terminal } from "../cli/terminal.ts";
import { healUp } from "../healing/heal-up.ts";
import { LayoutKeeper } from "../healing/layout-keeper.ts";
import type { ClusterLayout } from "./cluster-layout.ts";
import { clientUrl, addressText, httpUrl, nodeArguments, type ClusterPlan } from "./cluster-plan.ts";
import { monitorCluster, type ClusterMonitor } from "./cluster-monitor.ts";
import { formatDuration, renderClusterView, type ClusterViewState, type ViewEvent } from "./cluster-view.ts";
import { liveScreen, type LiveScreen } from "./live-screen.ts";
import { describeExit, startMemberProcess } from "./member-process.ts";
import type { PeerRoutes } from "./peer-routes.ts";
import { superviseCluster, type SupervisedMember, type Supervisor } from "./supervisor.ts";

export interface UpSession {
  readonly plan: ClusterPlan;
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly stop: AbortSignal;
  /** Further options of `holdfast node`, for every member. */
  readonly memberLine: readonly string[];
  /** The command that starts the same cluster again. */
  readonly again: string;
  readonly healing: {
    /** The first member's client port. */
    readonly port: number;
    readonly layout: ClusterLayout;
    /** Replacements an hour; undefined: nobody is replaced. */
    readonly limit: number | undefined;
  };
  /** What client commands need to find this cluster: ` --endpoints URL`, or nothing. */
  readonly endpoints: string;
  /** Undefined: no dashboard. */
  readonly dashboard?: UpDashboardChoice | undefined;
}

/** How the dashboard beside a cluster is served. */
export interface UpDashboardChoice {
  /** 0 chooses a free one. */
  readonly port: number;
  /** Whether another port will do when this one is taken. */
  readonly mayMove: boolean;
  readonly serveTls: ServeTls | undefined;
  readonly token: string | undefined;
  /** Options of `holdfast node` that make the members ask for the same token. */
  readonly memberLine: readonly string[];
  readonly hosts: readonly string[];
  readonly allowFaults: boolean;
}

/** Members that are started with it agree to be struck. */
const faultOptIn = "HOLDFAST_FAULTS";
const readyTimeoutMs = 30_000;
const keptEvents = 50;

/**
 * Runs a cluster until it is asked to stop: a live view on a terminal, lines on change elsewhere.
 *
 * @throws ExitError (environment) when members cannot start, or so many were given up that no majority is left
 */
export async function upSession(session: UpSession): Promise<void> {
  const { plan, terminal, stop } = session;
  const startedAtMs = performance.now();
  const live = terminal.live && !session.json;
  const events: ViewEvent[] = [];
  let screen: LiveScreen | undefined;
  let leader: string | undefined;
  let phase: ClusterViewState["phase"] = "starting";
  let dashboardUrl: string | undefined;
  const changed = Promise.withResolvers<void>();

  function tell(text: string, grave: boolean): void {
    const at = new Date().toTimeString().slice(0, 8);
    events.push({ at, text, grave });
    if (events.length > keptEvents) events.shift();
    if (screen === undefined) terminal.err(`${terminal.styleErr("dim", at)}  ${text}`);
    else screen.refresh();
  }

  const { dashboard: choice } = session;
  const routes =
    choice?.allowFaults === true ? await (await import("./peer-routes.ts")).openPeerRoutes(plan) : undefined;
  let dashboard: UpDashboard | undefined;
  const { port, layout, limit } = session.healing;
  const keeper = new LayoutKeeper(plan.directory, layout);
  let healer: { close(): void } | undefined;
  const supervisor = superviseCluster({
    plan,
    refuse: (member) => keeper.lossOf(member),
    launch: (member, onSaid) => {
      const more = [...session.memberLine, ...(choice?.memberLine ?? []), ...(routes?.lineOf(member) ?? [])];
      const line = [...nodeArguments(plan, member), ...more];
      const environment = routes === undefined ? {} : { [faultOptIn]: "allow" };
      return startMemberProcess(line, onSaid, { environment });
    },
    onEvent: ({ member, kind, text }) => {
      if (kind === "alive") keeper.noteRun(member);
      dashboard?.hurry();
      if (kind === "said") tell(`${member}: ${text}`, false);
      else tell(`${member} ${text}`, kind !== "alive");
      if (kind === "failed" && phase === "starting") changed.resolve();
      if ((kind === "failed" || kind === "lost") && phase !== "starting" && lost(supervisor, plan)) changed.resolve();
    },
    onMembers({ dropped }) {
      dashboard?.membersChanged();
      if (dropped !== undefined) void routes?.remove(dropped);
    },
  });
  const monitor = monitorCluster(supervisor, { tls: plan.tls?.own, onRound });
  const ready = Promise.withResolvers<void>();

  function onRound(): void {
    const now = monitor.leader();
    const text = now === undefined ? "nobody leads" : `${now.name} leads in term ${now.term}`;
    if (text !== leader && (now !== undefined || leader !== undefined)) tell(text, now === undefined);
    if (now !== undefined || leader !== undefined) leader = text;
    if (now !== undefined && supervisor.members().every(isReadyOrLost)) ready.resolve();
    screen?.refresh();
  }

  const render = (): readonly string[] => {
    const upMs = performance.now() - startedAtMs;
    const state = viewState(session, supervisor, monitor, events, upMs, phase);
    return renderClusterView(
      { ...state, dashboardUrl },
      { columns: terminal.columns, rows: terminal.rows, style: terminal.style },
    );
  };

  try {
    const stopped = new Promise<"stop">((resolve) => {
      if (stop.aborted) resolve("stop");
      stop.addEventListener("abort", () => resolve("stop"), { once: true });
    });
    if (live) screen = liveScreen(terminal, render);
    if (choice !== undefined) dashboard = await openDashboard(choice, plan, supervisor, routes, tell);
    dashboardUrl = dashboard?.url;
    const timeout = timer(readyTimeoutMs);
    const first = await Promise.race([ready.promise, stopped, changed.promise, timeout.promise]);
    timeout.cancel();
    if (first !== "stop") {
      if (first === "timeout") throw environmentError(notReady(supervisor, monitor));
      if (supervisor.members().some((member) => !isReadyOrLost(member)) || lost(supervisor, plan))
        throw givenUp(supervisor);
      phase = "running";
      const onFact = (fact: HealingFact): void => dashboard?.publish(fact);
      if (limit !== undefined) healer = healUp({ plan, port, supervisor, keeper, ways: routes, limit, tell, onFact });
      announce(session, supervisor, performance.now() - startedAtMs, dashboardUrl);
      await Promise.race([stopped, changed.promise]);
      if (lost(supervisor, plan)) throw givenUp(supervisor);
    }
  } finally {
    healer?.close();
    monitor.close();
    phase = "stopping";
    // A member that stands still would not hear that it is to stop.
    await dashboard?.heal();
    const stopping = supervisor.stop();
    screen?.refresh();
    const killed = await stopping;
    phase = "stopped";
    screen?.close();
    screen = undefined;
    await Promise.all([dashboard?.close(), routes?.close()]);
    for (const name of killed) terminal.err(`${name} did not stop within 5 s and was killed`);
  }
  terminal.err(`Stopped after ${formatDuration(performance.now() - startedAtMs)}; the data is in ${plan.directory}.`);
  terminal.err(`Start it again: ${session.again}`);
}

async function openDashboard(
  choice: UpDashboardChoice,
  plan: ClusterPlan,
  supervisor: Supervisor,
  routes: PeerRoutes | undefined,
  tell: (text: string, grave: boolean) => void,
): Promise<UpDashboard> {
  // Not above: who only wants help waits for no servers.
  const { upDashboard } = await import("../dashboard/up-dashboard.ts");
  const { serveTls, token, hosts } = choice;
  const open = (port: number): Promise<UpDashboard> =>
    upDashboard({ plan, supervisor, listen: { host: "127.0.0.1", port }, serveTls, token, hosts, routes });
  try {
    return await open(choice.port);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!choice.mayMove || (code !== "EADDRINUSE" && code !== "EACCES")) {
      throw environmentError(
        `the dashboard cannot be served: ${message}; choose another port: --dashboard PORT`,
        error,
      );
    }
    const moved = await open(0);
    tell(`the dashboard is at ${moved.url}: port ${choice.port} is taken`, false);
    return moved;
  }
}

function announce(session: UpSession, supervisor: Supervisor, tookMs: number, dashboardUrl: string | undefined): void {
  const { terminal, plan } = session;
  const members = supervisor.members().map((member) => ({
    name: member.plan.name,
    pid: member.pid,
    clientUrl: clientUrl(member.plan),
    httpUrl: httpUrl(member.plan),
  }));
  const url = members[0]?.clientUrl ?? "";
  if (session.json)
    return terminal.document({
      clientUrl: url,
      members,
      ...(dashboardUrl === undefined ? {} : { dashboardUrl }),
      ...(plan.tls && { tls: plan.tls.clientFiles }),
    });
  if (terminal.live) return;
  terminal.out(`${members.length} members ready in ${(tookMs / 1000).toFixed(1)} s; clients at ${url}`);
  if (dashboardUrl !== undefined) terminal.out(`Dashboard  ${dashboardUrl}`);
  for (const line of suggestions(session.endpoints)) terminal.out(`  ${line}`);
}

/** The first things to try. */
function suggestions(endpoints: string): readonly string[] {
  return ["put greeting hello", "get greeting", "status"].map((command) => `npx holdfast ${command}${endpoints}`);
}

function viewState(
  session: UpSession,
  supervisor: Supervisor,
  monitor: ClusterMonitor,
  events: readonly ViewEvent[],
  upMs: number,
  phase: ClusterViewState["phase"],
): ClusterViewState {
  const now = performance.now();
  const [first] = session.plan.members;
  return {
    members: supervisor.members().map((member) => ({
      name: member.plan.name,
      state: member.state,
      stateMs: now - member.sinceMs,
      pid: member.pid,
      client: addressText(member.plan.client),
      word: member.pid === undefined ? undefined : monitor.word(member.plan.name),
    })),
    leader: monitor.leader(),
    writesPerSecond: monitor.writesPerSecond(),
    upMs,
    events,
    directory: session.plan.directory,
    clientUrl: first === undefined ? "" : clientUrl(first),
    suggestions: suggestions(session.endpoints),
    phase,
  };
}

/** One that must not run, as its data is gone or it was removed, is not waited for. */
function isReadyOrLost({ state, lost: loss }: SupervisedMember): boolean {
  return state === "alive" || loss !== undefined;
}

/** Whether so many members were given up that no majority is left. */
function lost(supervisor: Supervisor, { members: { length: wanted } }: ClusterPlan): boolean {
  const left = supervisor.members().filter((member) => member.state !== "failed").length;
  return left < Math.floor(wanted / 2) + 1;
}

function givenUp(supervisor: Supervisor): Error {
  const reasons = supervisor
    .members()
    .filter((member) => member.state === "failed")
    .map(({ plan: { name }, lastExit, lost: loss }) => {
      return `${name} ${lastExit === undefined ? (loss ?? "failed") : describeExit(lastExit)}`;
    });
  return environmentError(`the cluster cannot run: ${reasons.join("; ")}`);
}

function notReady(supervisor: Supervisor, monitor: ClusterMonitor): string {
  const late = supervisor.members().filter((member) => member.state !== "alive");
  const what =
    late.length > 0
      ? late.map((member) => `${member.plan.name} is ${member.state}`).join(", ")
      : monitor.leader() === undefined
        ? "no leader was elected"
        : "not all members answer";
  return `the cluster was not ready within ${readyTimeoutMs / 1000} s: ${what}`;
}

function timer(delayMs: number): { readonly promise: Promise<"timeout">; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<"timeout">();
  const handle = setTimeout(() => resolve("timeout"), delayMs);
  return { promise, cancel: () => clearTimeout(handle) };
}
