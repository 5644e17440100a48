import { askCluster, clientOptions } from "./ask-cluster.ts";
import { findMember, readMembers, wireId } from "./cluster-members.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes } from "./exit.ts";

export const moveLeaderCommand: Command = defineCommand({
  name: "move-leader",
  summary: "hand leadership to another member",
  examples: ["holdfast move-leader n2"],
  positionals: [{ name: "NAME", help: "the member that is to lead, by name or id" }],
  options: clientOptions,
  async run({ options, positionals: [name = ""], terminal }) {
    const member = await askCluster(options, async (client) => {
      const found = findMember(await readMembers(client), name);
      await client.call("/maintenance/transfer-leadership", { targetID: wireId(found) });
      return found;
    });
    if (options.json) terminal.document({ leader: member.name, id: member.id });
    else terminal.out(`${name} leads`);
    return exitCodes.ok;
  },
});
