import type { GossipMember, MembersDocument } from "../../packages/server/src/http/members-document.ts";
import { addressText, nodeArguments, type ClusterPlan } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { planOnOwnPorts } from "./free-ports.ts";
import { start, temporaryDirectory, type RunningCommand } from "./holdfast-command.ts";
import { undo } from "./lone-node.ts";

/** A plan on free ports in a directory of its own, both given back in the end. */
export async function planNodes(nodes: number): Promise<ClusterPlan> {
  const directory = temporaryDirectory();
  undo.push(() => directory.remove());
  return await planOnOwnPorts(nodes, directory.path);
}

/** The line that starts a member of the plan; with `--join` in place of `--cluster` when it has to learn. */
export function nodeLine(plan: ClusterPlan, at: number, join?: number): readonly string[] {
  const line = nodeArguments(plan, plan.members[at]!);
  if (join === undefined) return line;
  const seed = addressText(plan.members[join]!.gossip);
  return [...line.filter((option) => !option.startsWith("--cluster=")), `--join=${seed}`];
}

/** Starts a node and waits until it is ready; kills it in the end. */
export async function startNode(line: readonly string[]): Promise<RunningCommand> {
  const running = start(line);
  undo.push(async () => {
    running.child.kill("SIGKILL");
    await running.done;
  });
  await running.firstLine();
  return running;
}

export function clientUrlOf(plan: ClusterPlan, at: number): string {
  return `http://${addressText(plan.members[at]!.client)}`;
}

/** One member's view, which `holdfast members --json` prints; asked of it without a process for each time. */
export async function membersAt(url: string): Promise<readonly GossipMember[]> {
  const answer = await fetch(`${url}/holdfast/v1/members`);
  if (!answer.ok) throw new Error(`status ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as MembersDocument).members;
}

export const states = (list: readonly GossipMember[]): string =>
  list.map(({ name, state }) => `${name} ${state}`).join();
