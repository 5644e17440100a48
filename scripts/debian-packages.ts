import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The commands that tests and benchmarks start, and the Debian package each comes from. */
const debianPackages = {
  etcd: "etcd-server",
  etcdctl: "etcd-client",
  wrk: "wrk",
} as const;

type DebianCommand = keyof typeof debianPackages;

interface MissingCommand {
  readonly command: DebianCommand;
  /** Why it is missing and what to do, in one sentence. */
  readonly reason: string;
}

/** Installs what is missing where that is allowed (root on Debian); returns what is missing still. */
export function installCommands(commands: readonly DebianCommand[]): MissingCommand[] {
  const missing = commands.filter((command) => !isOnPath(command));
  if (missing.length === 0) return [];
  const names = missing.map((command) => debianPackages[command]);
  if (!existsSync("/etc/debian_version")) return explain(missing, "is not on the PATH");
  if (process.getuid?.() !== 0) {
    return explain(missing, `is not on the PATH; as root: apt-get install ${names.join(" ")}`);
  }
  console.error(`installing ${names.join(" ")}`);
  if (!install(names)) {
    aptGet(["update"]);
    install(names);
  }
  return explain(
    missing.filter((command) => !isOnPath(command)),
    "could not be installed with apt-get",
  );
}

function isOnPath(command: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((directory) => existsSync(join(directory, command)));
}

function explain(commands: readonly DebianCommand[], why: string): MissingCommand[] {
  return commands.map((command) => ({ command, reason: `${command} (${debianPackages[command]}) ${why}` }));
}

function install(names: readonly string[]): boolean {
  return aptGet(["install", "-y", "--no-install-recommends", ...names]);
}

/** Its output goes to stderr: stdout belongs to whoever called. */
function aptGet(args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync("apt-get", ["-qq", ...args], { env, stdio: ["ignore", 2, 2] }).status === 0;
}
