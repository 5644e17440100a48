import { planCluster, memberPortStep, type ClusterPlan, type ClusterTls, type TimerPreset } from "./cluster-plan.ts";
import { firstUnusablePort } from "./port-check.ts";

/** Below the ports that systems hand out to outgoing connections: one of those could take a dead member's port. */
const ports = { first: 10_000, last: 30_000 };
const attempts = 50;

/** A plan whose ports are all free now. @throws Error when none was found */
export async function planOnFreePorts(options: {
  readonly nodes: number;
  readonly directory: string;
  readonly timers?: TimerPreset;
  readonly tls?: ClusterTls | undefined;
}): Promise<ClusterPlan> {
  const span = options.nodes * memberPortStep;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = ports.first + Math.floor(Math.random() * (ports.last - ports.first - span));
    const plan = planCluster({ ...options, port });
    if ((await firstUnusablePort(plan)) === undefined) return plan;
  }
  throw new Error(`no ${span} free ports in a row between ${ports.first} and ${ports.last} after ${attempts} attempts`);
}
