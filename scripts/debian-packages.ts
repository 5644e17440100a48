import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The commands that tests and benchmarks start, and the Debian package each comes from. */
const debianPackages = {
  chromium: "chromium",
  etcd: "etcd-server",
  etcdctl: "etcd-client",
  "nats-server": "nats-server",
  nft: "nftables",
  openssl: "openssl",
  postgres: "postgresql",
  prometheus: "prometheus",
  "rabbitmq-server": "rabbitmq-server",
  "redis-server": "redis-server",
  serf: "serf",
  wrk: "wrk",
} as const;

/** Where Debian puts what is not meant for everybody's PATH. */
const elsewhere: readonly string[] = ["/usr/lib/postgresql/*/bin", "/usr/lib/rabbitmq/bin", "/usr/sbin"];

type DebianCommand = keyof typeof debianPackages;

interface MissingCommand {
  readonly command: DebianCommand;
  /** Why it is missing and what to do, in one sentence. */
  readonly reason: string;
}

/** Installs what is missing where that is allowed (root on Debian); returns what is missing still. */
export function installCommands(commands: readonly DebianCommand[]): MissingCommand[] {
  const missing = commands.filter((command) => !isThere(command));
  if (missing.length === 0) return [];
  const names = missing.map((command) => debianPackages[command]);
  if (!existsSync("/etc/debian_version")) return explain(missing, "is not installed");
  if (process.getuid?.() !== 0) {
    return explain(missing, `is not installed; as root: apt-get install ${names.join(" ")}`);
  }
  console.error(`installing ${names.join(" ")}`);
  if (!install(names)) {
    aptGet(["update"]);
    install(names);
  }
  return explain(
    missing.filter((command) => !isThere(command)),
    "could not be installed with apt-get",
  );
}

function isThere(command: string): boolean {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return [...directories, ...globSync([...elsewhere])].some((directory) => existsSync(join(directory, command)));
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
