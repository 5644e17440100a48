import type { CommandEntry } from "./run-command.ts";
import { runCommandLine } from "./run-command.ts";
import { flushTerminal, processTerminal } from "./terminal.ts";

/** In the order in which help shows them. */
const commands: readonly CommandEntry[] = [
  {
    name: "up",
    summary: "run a cluster on this machine, and restart members that die",
    load: async () => (await import("./up-command.ts")).upCommand,
  },
  {
    name: "node",
    summary: "run one member of a cluster",
    load: async () => (await import("./node-command.ts")).nodeCommand,
  },
  { name: "put", summary: "write a key", load: async () => (await import("./put-command.ts")).putCommand },
  {
    name: "get",
    summary: "read a key, or all keys with a prefix",
    load: async () => (await import("./get-command.ts")).getCommand,
  },
  {
    name: "del",
    summary: "delete a key, or all keys with a prefix",
    load: async () => (await import("./del-command.ts")).delCommand,
  },
  {
    name: "status",
    summary: "who leads, who is alive, how far each member is",
    load: async () => (await import("./status-command.ts")).statusCommand,
  },
  {
    name: "drill",
    summary: "inject a fault under load, and check that nothing is lost",
    load: async () => (await import("./drill-command.ts")).drillCommand,
  },
  {
    name: "check",
    summary: "check a recorded history for linearizability",
    load: async () => (await import("./check-command.ts")).checkCommand,
  },
];

const code = await runCommandLine(process.argv.slice(2), commands, processTerminal(), process.env);
await flushTerminal();
process.exit(code);
