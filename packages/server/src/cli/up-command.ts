import { planCluster, clientUrl, memberPortStep, timerPresets, type ClusterPlan } from "../supervisor/cluster-plan.ts";
import { prepareDataDirectory } from "../supervisor/data-directory.ts";
import { describePortError, firstUnusablePort } from "../supervisor/port-check.ts";
import { upSession, type UpDashboardChoice } from "../supervisor/up-session.ts";
import { clusterTls, clusterTlsOptions, servedTls, tlsAgain } from "./cluster-tls.ts";
import { defineCommand, type Command } from "./command.ts";
import { compactionLine, compactionOptions } from "./compaction-options.ts";
import { dashboardOptions, dashboardToken, tokenIsExposed } from "./dashboard-options.ts";
import { environmentError, exitCodes, usageError } from "./exit.ts";
import { choice, flag, integer, text, type Option } from "./option.ts";
import { stopSignal } from "./stop-signal.ts";
import { traceLine, traceOptions } from "./trace-options.ts";

const defaults = { nodes: 3, data: ".holdfast", port: 2379, timers: "standard", healLimit: 6 } as const;

/** Undefined: the port below the first member's. */
const dashboardPort: Option<number | "off" | undefined> = {
  placeholder: "PORT",
  help: "where the dashboard is served, 0 for any free port, or off; default: the port below --port, else any free one",
  read: (value, source) => {
    if (value === "off") return value;
    const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
    if (port <= 65_535) return port;
    throw usageError(`${source} must be a port 0..65535, or off (got ${JSON.stringify(value)})`);
  },
};

export const upCommand: Command = defineCommand({
  name: "up",
  summary: "run a cluster on this machine, restart members that die, and replace those that are gone for good",
  examples: [
    "holdfast up",
    "holdfast up --nodes 5 --port 4000",
    "holdfast up --tls auto   # makes certificates, and says what to give clients",
    "holdfast up --data /tmp/try --json   # one line when ready, then until Ctrl-C",
  ],
  options: {
    nodes: integer({ min: 1, max: 7, default: defaults.nodes, help: "members to run" }),
    witness: flag("the last of them votes and holds no keys; not with one node"),
    data: text({ placeholder: "DIR", default: defaults.data, help: "their data, kept when they stop" }),
    port: integer({
      min: 1,
      max: 65_400,
      default: defaults.port,
      help: "the first member's client port; peers one above, HTTP two above, gossip three above, the next member ten above",
    }),
    timers: choice({
      choices: timerPresets,
      default: defaults.timers,
      help: "how soon the members replace a leader that dies: fast is for round trips of a few milliseconds",
    }),
    ...clusterTlsOptions,
    dashboard: dashboardPort,
    dashboardTokenFile: dashboardOptions.dashboardTokenFile,
    dashboardHost: dashboardOptions.dashboardHost,
    ...compactionOptions,
    ...traceOptions,
    allowFaults: flag("let the dashboard strike the members: kill, pause, cut off; what it does ends by itself"),
    noHeal: flag("do not replace members that are gone for good"),
    healLimit: integer({
      min: 0,
      max: 1_000,
      default: defaults.healLimit,
      help: "replace so many members an hour, then call for a person",
    }),
    json: flag("print one JSON document when the cluster is ready"),
  },
  async run({ options, terminal }) {
    const { nodes, data, port, timers } = options;
    const memberLine = [...compactionLine(options), ...traceLine(options)];
    const choice = dashboardChoice(options);
    const exposed = tokenIsExposed(options.dashboardTokenFile);
    if (exposed !== undefined) terminal.err(exposed);
    if (options.witness && nodes === 1) throw usageError("--witness needs another member: --nodes 2 or more");
    const wanted = { nodes, directory: data, port, timers, hasWitness: options.witness };
    await checkPorts(planCluster(wanted), port);
    const layout = prepareDataDirectory(planCluster(wanted));
    const plan = planCluster({ ...wanted, layout, tls: await clusterTls(options, data) });
    const again = [
      "npx holdfast up",
      ...(nodes === defaults.nodes ? [] : [`--nodes ${nodes}`]),
      ...(options.witness ? ["--witness"] : []),
      ...(data === defaults.data ? [] : [`--data ${data}`]),
      ...(port === defaults.port ? [] : [`--port ${port}`]),
      ...(timers === defaults.timers ? [] : [`--timers ${timers}`]),
      ...(options.noHeal ? ["--no-heal"] : []),
      ...(options.healLimit === defaults.healLimit ? [] : [`--heal-limit ${options.healLimit}`]),
      ...memberLine,
    ].join(" ");
    const { cacert } = plan.tls?.clientFiles ?? {};
    const dashboard = choice && {
      ...choice,
      memberLine: [...choice.memberLine, ...(cacert === undefined ? [] : [`--dashboard-ca-file=${cacert}`])],
      serveTls: plan.tls?.isClientSecure === true ? servedTls(plan.tls) : undefined,
    };
    const healing = { port, layout, limit: options.noHeal ? undefined : options.healLimit };
    const session = {
      plan,
      healing,
      terminal,
      json: options.json,
      stop: stopSignal(),
      endpoints: hint(plan),
      dashboard,
      memberLine,
    };
    await upSession({ ...session, again: again + tlsAgain(options) + dashboardAgain(options) });
    return exitCodes.ok;
  },
});

interface DashboardValues {
  readonly port: number;
  readonly dashboard: number | "off" | undefined;
  readonly dashboardTokenFile: string | undefined;
  readonly dashboardHost: readonly string[];
  readonly allowFaults: boolean;
}

/** Undefined: none. @throws ExitError */
function dashboardChoice(values: DashboardValues): Omit<UpDashboardChoice, "serveTls"> | undefined {
  const { dashboard, dashboardTokenFile, dashboardHost: hosts, allowFaults, port } = values;
  const token = dashboardToken(dashboardTokenFile);
  if (dashboard === "off") {
    if (allowFaults) throw usageError("--allow-faults needs the dashboard, from which they are injected");
    if (dashboardTokenFile !== undefined)
      throw usageError("--dashboard-token-file and --dashboard off exclude each other");
    return undefined;
  }
  const memberLine = [
    ...(dashboardTokenFile === undefined ? [] : [`--dashboard-token-file=${dashboardTokenFile}`]),
    ...(hosts.length === 0 ? [] : [`--dashboard-host=${hosts.join(",")}`]),
  ];
  return { port: dashboard ?? port - 1, mayMove: dashboard === undefined, token, memberLine, hosts, allowFaults };
}

function dashboardAgain({ dashboard, dashboardTokenFile, dashboardHost, allowFaults }: DashboardValues): string {
  return [
    ...(dashboard === undefined ? [] : [` --dashboard ${dashboard}`]),
    ...(dashboardTokenFile === undefined ? [] : [` --dashboard-token-file ${dashboardTokenFile}`]),
    ...(dashboardHost.length === 0 ? [] : [` --dashboard-host ${dashboardHost.join(",")}`]),
    ...(allowFaults ? [" --allow-faults"] : []),
  ].join("");
}

/** @throws ExitError (environment) naming the port and the option */
async function checkPorts(plan: ClusterPlan, port: number): Promise<void> {
  const taken = await firstUnusablePort(plan);
  if (taken === undefined) return;
  const next = port + Math.max(10, plan.members.length) * memberPortStep;
  throw environmentError(
    `${taken.member} cannot start: ${describePortError(taken.address, taken.error)}; ` +
      `choose other ports: --port ${next > 65_000 ? 4000 : next}`,
  );
}

/** What client commands need to find this cluster; nothing on the default port without TLS. */
function hint({ members, tls }: ClusterPlan): string {
  const [first] = members;
  if (first === undefined || (first.client.port === defaults.port && first.isSecure !== true)) return "";
  const files = Object.entries(tls?.clientFiles ?? {}).map(([name, file]) => ` --${name} ${file}`);
  return ` --endpoints ${clientUrl(first)}${files.join("")}`;
}
