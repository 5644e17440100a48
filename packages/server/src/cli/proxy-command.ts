import { resolve } from "node:path";
import type { FileFaultKind } from "holdfast/adapters/system-faults";
import {
  diskFaultJournal,
  faultRegistry,
  networkFaultKinds,
  type LiveTarget,
  type NetworkFaultKind,
} from "holdfast/proof";
import { nodeRuntime, type Address } from "holdfast/runtime";
import { HoldfastError } from "holdfast/errors/base";
import { addressText } from "../supervisor/cluster-plan.ts";
import { isLocalHost } from "../faults/request-guard.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, ExitError, exitCodes, usageError } from "./exit.ts";
import { address, flag, integer, text, type Option } from "./option.ts";
import { aborted, stopSignal } from "./stop-signal.ts";

const diskKinds: readonly FileFaultKind[] = ["fullDisk", "slowDisk", "failingSync", "failingDisk"];
const kinds = [...new Set([...networkFaultKinds.tcp, ...networkFaultKinds.udp, ...diskKinds])];
type ProxyKind = (typeof kinds)[number];

const allow: Option<readonly ProxyKind[] | undefined> = {
  placeholder: "KIND,…",
  help: "the kinds of faults that it agrees to",
  defaultText: "all but corrupt",
  read: (value, source) =>
    value.split(",").map((part) => {
      const kind = kinds.find((candidate) => candidate === part.trim());
      if (kind !== undefined) return kind;
      throw usageError(`${source} must be of ${kinds.join(", ")} (got ${JSON.stringify(part)})`);
    }),
};

export const proxyCommand: Command = defineCommand({
  name: "proxy",
  summary: "put a proxy in front of a service, or of a directory, for faults on the way to it",
  examples: [
    "holdfast proxy --listen 127.0.0.1:26379 --upstream 127.0.0.1:6379 --api 127.0.0.1:8474",
    "holdfast proxy --upstream 127.0.0.1:53 --udp --name dns --api 127.0.0.1:8474",
    "holdfast proxy --disk /srv/data --mount /mnt/data --name data --api 127.0.0.1:8474   # a disk (root, FUSE)",
    "holdfast fault add proxy delay --set delayMs=100   # in another terminal",
  ],
  options: {
    listen: address({
      default: { host: "127.0.0.1", port: 0 },
      help: "where clients connect; port 0 takes a free one",
    }),
    upstream: address({ help: "the service; required without --disk" }),
    udp: flag("datagrams instead of connections"),
    disk: text({ placeholder: "DIR", help: "instead of a service, a directory: it is shown at --mount" }),
    mount: text({ placeholder: "DIR", help: "an empty directory where programs find what is in --disk" }),
    name: text({ placeholder: "NAME", default: "proxy", help: "what faults are aimed at" }),
    api: address({ help: "serve faults over HTTP; without it there are none" }),
    token: text({
      environment: "HOLDFAST_FAULTS_TOKEN",
      help: "ask it of every request; the line of a command can be read by others of the machine",
    }),
    allow,
    maxDurationMs: integer({ min: 1, max: 86_400_000, default: 600_000, help: "the longest a fault may last" }),
    journal: text({
      placeholder: "DIR",
      help: "write faults down, so that the next start takes back what a crash left",
    }),
    allowRemote: flag("let other machines reach it; --api then needs a token"),
    json: flag("print the ready line as JSON"),
  },
  async run({ options, terminal }) {
    const { name, api: apiAddress, token, allowRemote } = options;
    if (apiAddress !== undefined) {
      checkReach("--api", apiAddress, allowRemote);
      if (!isLocalHost(apiAddress.host) && token === undefined) {
        throw usageError(
          `--api ${addressText(apiAddress)} is reached by other machines and needs a token: --token TEXT`,
        );
      }
    }
    // Only who asks for it loads it.
    const { serveFaults } = await import("../faults/fault-api.ts");
    const stop = stopSignal();
    const { proxy, place, shown } =
      options.disk === undefined && options.mount === undefined ? await openService(options) : await openDisk(options);
    const { clock, disk } = nodeRuntime();
    const directory = options.journal;
    const journal =
      directory === undefined
        ? {}
        : { journal: await starting(directory, "--journal", () => diskFaultJournal({ disk, directory })) };
    const registry = faultRegistry({ clock, targets: [proxy], maxDurationMs: options.maxDurationMs, ...journal });
    const recovered = await registry.recovered;
    if (recovered.removed.length > 0) terminal.err(`took back ${count(recovered.removed.length)} of a run before`);
    const api =
      apiAddress === undefined
        ? undefined
        : await starting(apiAddress, "--api", () =>
            serveFaults({ registry, listen: apiAddress, allowRemote, ...(token === undefined ? {} : { token }) }),
          );

    const url = api === undefined ? null : `http://${addressText(api.address)}`;
    if (options.json) terminal.document({ ready: true, name, pid: process.pid, ...place, api: url });
    else terminal.out(`${name}: ${shown}${url === null ? "" : `, faults at ${url}`}`);
    await aborted(stop);
    await api?.close();
    const { removed, stuck } = await registry.close();
    await proxy.close();
    if (stuck.length > 0) throw environmentError(`${count(stuck.length)} could not be taken back: ${stuck[0]?.error}`);
    terminal.err(`${name} has stopped; ${count(removed.length)} taken back`);
    return exitCodes.ok;
  },
});

interface ProxyValues {
  readonly name: string;
  readonly listen: Address;
  readonly upstream: Address | undefined;
  readonly udp: boolean;
  readonly disk: string | undefined;
  readonly mount: string | undefined;
  readonly allow: readonly ProxyKind[] | undefined;
  readonly allowRemote: boolean;
}

interface OpenProxy {
  readonly proxy: LiveTarget & { close(): Promise<void> };
  /** Where it is, for the document that says that it is ready. */
  readonly place: object;
  readonly shown: string;
}

async function openService({ name, listen, upstream, udp, allow, allowRemote }: ProxyValues): Promise<OpenProxy> {
  checkReach("--listen", listen, allowRemote);
  if (upstream === undefined) throw usageError("--upstream HOST:PORT is required (or --disk and --mount)");
  const { faultProxy } = await import("holdfast/adapters/fault-proxy");
  const protocol = udp ? "udp" : "tcp";
  const allowed = allow === undefined ? {} : { allow: allow as readonly NetworkFaultKind[] };
  const proxy = await starting(listen, "--listen", () =>
    faultProxy({ name, protocol, listen, upstream, allowRemote, ...allowed }),
  );
  const [at, to] = [addressText(proxy.address), addressText(upstream)];
  return { proxy, place: { protocol, listen: at, upstream: to }, shown: `${protocol} ${at} → ${to}` };
}

async function openDisk({ name, upstream, udp, disk, mount, allow }: ProxyValues): Promise<OpenProxy> {
  if (disk === undefined || mount === undefined) throw usageError("--disk and --mount belong together");
  if (upstream !== undefined || udp) throw usageError("--disk is instead of --upstream and --udp");
  const { diskProxy } = await import("holdfast/adapters/system-faults");
  const allowed = allow === undefined ? {} : { allow: allow as readonly FileFaultKind[] };
  const proxy = await starting(mount, "--mount", () => diskProxy({ name, directory: disk, mount, ...allowed }));
  const place = { protocol: "disk", directory: resolve(disk), mount: proxy.mount };
  return { proxy, place, shown: `disk ${place.mount} → ${place.directory}` };
}

const count = (number: number): string => `${number} fault${number === 1 ? "" : "s"}`;

/** Other machines reach it only where that was asked for. @throws ExitError (usage) */
function checkReach(option: string, where: Address, allowRemote: boolean): void {
  if (allowRemote || isLocalHost(where.host)) return;
  throw usageError(`${option} ${addressText(where)} is reached by other machines: add --allow-remote if that is meant`);
}

/** @throws ExitError naming the option */
async function starting<T>(where: Address | string, option: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof ExitError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (HoldfastError.is(error)) throw usageError(message);
    const place = typeof where === "string" ? where : addressText(where);
    throw environmentError(`${option} ${place}: ${code ?? ""} ${message}`, error);
  }
}
