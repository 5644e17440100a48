import { planCluster, clientUrl, memberPortStep, timerPresets, type ClusterPlan } from "../supervisor/cluster-plan.ts";
import { prepareDataDirectory } from "../supervisor/data-directory.ts";
import { describePortError, firstUnusablePort } from "../supervisor/port-check.ts";
import { upSession } from "../supervisor/up-session.ts";
import { clusterTls, clusterTlsOptions, tlsAgain } from "./cluster-tls.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes } from "./exit.ts";
import { choice, flag, integer, text } from "./option.ts";
import { stopSignal } from "./stop-signal.ts";

const defaults = { nodes: 3, data: ".holdfast", port: 2379, timers: "standard" } as const;

export const upCommand: Command = defineCommand({
  name: "up",
  summary: "run a cluster on this machine, and restart members that die",
  examples: [
    "holdfast up",
    "holdfast up --nodes 5 --port 4000",
    "holdfast up --tls auto   # makes certificates, and says what to give clients",
    "holdfast up --data /tmp/try --json   # one line when ready, then until Ctrl-C",
  ],
  options: {
    nodes: integer({ min: 1, max: 7, default: defaults.nodes, help: "members to run" }),
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
    json: flag("print one JSON document when the cluster is ready"),
  },
  async run({ options, terminal }) {
    const { nodes, data, port, timers } = options;
    const wanted = { nodes, directory: data, port, timers };
    await checkPorts(planCluster(wanted), port);
    prepareDataDirectory(planCluster(wanted));
    const plan = planCluster({ ...wanted, tls: await clusterTls(options, data) });
    const again = [
      "npx holdfast up",
      ...(nodes === defaults.nodes ? [] : [`--nodes ${nodes}`]),
      ...(data === defaults.data ? [] : [`--data ${data}`]),
      ...(port === defaults.port ? [] : [`--port ${port}`]),
      ...(timers === defaults.timers ? [] : [`--timers ${timers}`]),
    ].join(" ");
    const session = { plan, terminal, json: options.json, stop: stopSignal(), endpoints: hint(plan) };
    await upSession({ ...session, again: again + tlsAgain(options) });
    return exitCodes.ok;
  },
});

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
