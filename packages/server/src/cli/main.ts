import { enableCompileCache } from "node:module";
import { runCommandLine, type CommandEntry } from "./run-command.ts";
import { flushTerminal, processTerminal } from "./terminal.ts";

/** In the order in which help shows them. */
const commands: readonly CommandEntry[] = [
  { name: "up", load: async () => (await import("./up-command.ts")).upCommand },
  { name: "node", load: async () => (await import("./node-command.ts")).nodeCommand },
  { name: "put", load: async () => (await import("./put-command.ts")).putCommand },
  { name: "get", load: async () => (await import("./get-command.ts")).getCommand },
  { name: "del", load: async () => (await import("./del-command.ts")).delCommand },
  { name: "watch", load: async () => (await import("./watch-command.ts")).watchCommand },
  { name: "lease", load: async () => (await import("./lease-command.ts")).leaseCommand },
  { name: "status", load: async () => (await import("./status-command.ts")).statusCommand },
  { name: "members", load: async () => (await import("./members-command.ts")).membersCommand },
  { name: "member", load: async () => (await import("./member-command.ts")).memberCommand },
  { name: "move-leader", load: async () => (await import("./move-leader-command.ts")).moveLeaderCommand },
  { name: "compact", load: async () => (await import("./compact-command.ts")).compactCommand },
  { name: "alarm", load: async () => (await import("./alarm-command.ts")).alarmCommand },
  { name: "snapshot", load: async () => (await import("./snapshot-command.ts")).snapshotCommand },
  { name: "certificates", load: async () => (await import("./certificates-command.ts")).certificatesCommand },
  { name: "keygen", load: async () => (await import("./keygen-command.ts")).keygenCommand },
  { name: "plan", load: async () => (await import("./plan-command.ts")).planCommand },
  { name: "proxy", load: async () => (await import("./proxy-command.ts")).proxyCommand },
  { name: "fault", load: async () => (await import("./fault-command.ts")).faultCommand },
  { name: "mock", load: async () => (await import("./mock-command.ts")).mockCommand },
  { name: "drill", load: async () => (await import("./drill-command.ts")).drillCommand },
  { name: "load", load: async () => (await import("./load-command.ts")).loadCommand },
  { name: "check", load: async () => (await import("./check-command.ts")).checkCommand },
];

// Halves the processor time that a member needs to start; the cache lies in the system's temporary directory.
enableCompileCache();
const code = await runCommandLine(process.argv.slice(2), commands, processTerminal(), process.env);
await flushTerminal();
process.exit(code);
