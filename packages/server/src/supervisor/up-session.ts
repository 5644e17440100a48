import { environmentError } from "../cli/exit.ts";
import type { Terminal } from "../cli/terminal.ts";
import { clientUrl, addressText, httpUrl, type ClusterPlan } from "./cluster-plan.ts";
import { monitorCluster, type ClusterMonitor } from "./cluster-monitor.ts";
import { formatDuration, renderClusterView, type ClusterViewState, type ViewEvent } from "./cluster-view.ts";
import { liveScreen, type LiveScreen } from "./live-screen.ts";
import { describeExit } from "./member-process.ts";
import { superviseCluster, type Supervisor } from "./supervisor.ts";

export interface UpSession {
  readonly plan: ClusterPlan;
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly stop: AbortSignal;
  /** The command that starts the same cluster again. */
  readonly again: string;
  /** What client commands need to find this cluster: ` --endpoints URL`, or nothing. */
  readonly endpoints: string;
}

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
  const changed = Promise.withResolvers<void>();

  function tell(text: string, grave: boolean): void {
    const at = new Date().toTimeString().slice(0, 8);
    events.push({ at, text, grave });
    if (events.length > keptEvents) events.shift();
    if (screen === undefined) terminal.err(`${terminal.styleErr("dim", at)}  ${text}`);
    else screen.refresh();
  }

  const supervisor = superviseCluster({
    plan,
    onEvent: ({ member, kind, text }) => {
      if (kind === "said") tell(`${member}: ${text}`, false);
      else tell(`${member} ${text}`, kind !== "alive");
      if (kind === "failed" && (phase === "starting" || lost(supervisor))) changed.resolve();
    },
  });
  const monitor = monitorCluster(supervisor, { tls: plan.tls?.own, onRound });
  const ready = Promise.withResolvers<void>();

  function onRound(): void {
    const now = monitor.leader();
    const text = now === undefined ? "nobody leads" : `${now.name} leads in term ${now.term}`;
    if (text !== leader && (now !== undefined || leader !== undefined)) tell(text, now === undefined);
    if (now !== undefined || leader !== undefined) leader = text;
    if (now !== undefined && supervisor.members().every((member) => member.state === "alive")) ready.resolve();
    screen?.refresh();
  }

  const render = (): readonly string[] => {
    return renderClusterView(viewState(session, supervisor, monitor, events, performance.now() - startedAtMs, phase), {
      columns: terminal.columns,
      rows: terminal.rows,
      style: terminal.style,
    });
  };

  try {
    const stopped = new Promise<"stop">((resolve) => {
      if (stop.aborted) resolve("stop");
      stop.addEventListener("abort", () => resolve("stop"), { once: true });
    });
    if (live) screen = liveScreen(terminal, render);
    const timeout = timer(readyTimeoutMs);
    const first = await Promise.race([ready.promise, stopped, changed.promise, timeout.promise]);
    timeout.cancel();
    if (first !== "stop") {
      if (first === "timeout") throw environmentError(notReady(supervisor, monitor));
      if (supervisor.members().some((member) => member.state === "failed")) throw givenUp(supervisor);
      phase = "running";
      announce(session, supervisor, performance.now() - startedAtMs);
      await Promise.race([stopped, changed.promise]);
      if (lost(supervisor)) throw givenUp(supervisor);
    }
  } finally {
    monitor.close();
    phase = "stopping";
    const stopping = supervisor.stop();
    screen?.refresh();
    const killed = await stopping;
    phase = "stopped";
    screen?.close();
    screen = undefined;
    for (const name of killed) terminal.err(`${name} did not stop within 5 s and was killed`);
  }
  terminal.err(`Stopped after ${formatDuration(performance.now() - startedAtMs)}; the data is in ${plan.directory}.`);
  terminal.err(`Start it again: ${session.again}`);
}

function announce(session: UpSession, supervisor: Supervisor, tookMs: number): void {
  const { terminal, plan } = session;
  const members = supervisor.members().map((member) => ({
    name: member.plan.name,
    pid: member.pid,
    clientUrl: clientUrl(member.plan),
    httpUrl: httpUrl(member.plan),
  }));
  const url = members[0]?.clientUrl ?? "";
  if (session.json)
    return terminal.document({ clientUrl: url, members, ...(plan.tls && { tls: plan.tls.clientFiles }) });
  if (terminal.live) return;
  terminal.out(`${members.length} members ready in ${(tookMs / 1000).toFixed(1)} s; clients at ${url}`);
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

/** Whether so many members were given up that no majority is left. */
function lost(supervisor: Supervisor): boolean {
  const members = supervisor.members();
  const failed = members.filter((member) => member.state === "failed").length;
  return members.length - failed < Math.floor(members.length / 2) + 1;
}

function givenUp(supervisor: Supervisor): Error {
  const reasons = supervisor
    .members()
    .filter((member) => member.state === "failed")
    .map((member) => `${member.plan.name} ${member.lastExit === undefined ? "failed" : describeExit(member.lastExit)}`);
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
