import { spawnSync } from "node:child_process";

/** Two network namespaces joined by a cable that can be cut. */
export interface Namespaces {
  readonly a: { readonly name: string; readonly host: string };
  readonly b: { readonly name: string; readonly host: string };
  cut(): void;
  mend(): void;
  remove(): void;
}

/** Makes them, as root on Linux. @throws Error with what `ip` said when it is not allowed */
export function makeNamespaces(): Namespaces {
  const a = { name: `holdfast-a-${process.pid}`, host: "10.213.7.1" };
  const b = { name: `holdfast-b-${process.pid}`, host: "10.213.7.2" };
  const made: string[] = [];
  const remove = (): void => {
    for (const name of made.splice(0)) spawnSync("ip", ["netns", "delete", name]);
  };
  try {
    for (const { name } of [a, b]) {
      ip("netns", "add", name);
      made.push(name);
      ip("-n", name, "link", "set", "lo", "up");
    }
    ip("-n", a.name, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", b.name);
    for (const { name, host } of [a, b]) {
      ip("-n", name, "address", "add", `${host}/24`, "dev", "cable");
      ip("-n", name, "link", "set", "cable", "up");
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    a,
    b,
    cut: () => ip("-n", a.name, "link", "set", "cable", "down"),
    mend: () => ip("-n", a.name, "link", "set", "cable", "up"),
    remove,
  };
}

function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
