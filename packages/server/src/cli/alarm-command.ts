import type { GatewayClient } from "../client/gateway-client.ts";
import type { Json } from "../client/gateway-json.ts";
import { askCluster, clientOptions } from "./ask-cluster.ts";
import { readMembers, wireId } from "./cluster-members.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, usageError } from "./exit.ts";

interface RaisedAlarm {
  readonly alarm: string;
  /** Who raised it: its name, or its id where it has told none. */
  readonly member: string;
  /** Hexadecimal. */
  readonly id: string;
}

const actions = ["list", "disarm"];

export const alarmCommand: Command = defineCommand({
  name: "alarm",
  summary: "show the alarms that are raised, or take them back",
  examples: [
    "holdfast alarm list",
    "holdfast alarm list --json",
    "holdfast alarm disarm           # when there is room again",
    "holdfast alarm disarm NOSPACE",
  ],
  positionals: [
    { name: "ACTION", help: actions.join(", ") },
    { name: "ALARM", help: "with disarm: NOSPACE or CORRUPT, else all", optional: true },
  ],
  options: clientOptions,
  async run({ options, positionals: [action = "", alarm], terminal }) {
    const isDisarm = action === "disarm";
    if (!actions.includes(action)) {
      throw usageError(`ACTION must be one of ${actions.join(", ")} (got ${JSON.stringify(action)})`);
    }
    if (alarm !== undefined && !isDisarm) throw usageError(`unexpected argument ${JSON.stringify(alarm)}`);
    if (alarm !== undefined && alarm !== "NOSPACE" && alarm !== "CORRUPT") {
      throw usageError(`ALARM must be NOSPACE or CORRUPT (got ${JSON.stringify(alarm)})`);
    }
    const alarms = await askCluster(options, async (client) => {
      const raised = (await readAlarms(client)).filter((one) => alarm === undefined || one.alarm === alarm);
      if (isDisarm) for (const one of raised) await disarm(client, one);
      return raised;
    });
    if (options.json) terminal.document(isDisarm ? { disarmed: alarms } : { alarms });
    else if (alarms.length === 0) terminal.err(`no alarm ${alarm === undefined ? "" : `${alarm} `}is raised`);
    else for (const { alarm: name, member } of alarms) terminal.out(line(name, member, isDisarm));
    return exitCodes.ok;
  },
});

const line = (alarm: string, member: string, isDisarmed: boolean): string =>
  isDisarmed ? `${alarm} of ${member} taken back` : `${alarm} raised by ${member}`;

async function readAlarms(client: GatewayClient): Promise<readonly RaisedAlarm[]> {
  const answer = await client.call("/maintenance/alarm", { action: "GET" }, { reads: true });
  const alarms = (answer["alarms"] ?? []) as readonly Json[];
  if (alarms.length === 0) return [];
  const members = await readMembers(client);
  return alarms.map(({ alarm, memberID }) => {
    const id = BigInt((memberID ?? 0) as string | number).toString(16);
    return { alarm: String(alarm), member: members.find((one) => one.id === id)?.name || id, id };
  });
}

async function disarm(client: GatewayClient, { alarm, id }: RaisedAlarm): Promise<void> {
  await client.call("/maintenance/alarm", { action: "DEACTIVATE", alarm, memberID: wireId({ id }) });
}
