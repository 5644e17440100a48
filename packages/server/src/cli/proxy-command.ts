import { diskFaultJournal, faultRegistry, networkFaultKinds, type NetworkFaultKind } from "holdfast/proof";
import { nodeRuntime, type Address } from "holdfast/runtime";
import { HoldfastError } from "holdfast/errors/base";
import { addressText } from "../supervisor/cluster-plan.ts";
import { isLocalHost } from "../faults/request-guard.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, ExitError, exitCodes, usageError } from "./exit.ts";
import { address, flag, integer, text, type Option } from "./option.ts";
import { aborted, stopSignal } from "./stop-signal.ts";

const kinds = [...new Set([...networkFaultKinds.tcp, ...networkFaultKinds.udp])];

const allow: Option<readonly NetworkFaultKind[] | undefined> = {
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
  summary: "put a TCP or UDP proxy in front of a service, for faults on the way to it",
  examples: [
    "holdfast proxy --listen 127.0.0.1:26379 --upstream 127.0.0.1:6379 --api 127.0.0.1:8474",
    "holdfast proxy --upstream 127.0.0.1:53 --udp --name dns --api 127.0.0.1:8474",
    "holdfast fault add proxy delay --set delayMs=100   # in another terminal",
  ],
  options: {
    listen: address({
      default: { host: "127.0.0.1", port: 0 },
      help: "where clients connect; port 0 takes a free one",
    }),
    upstream: address({ required: true, help: "the service" }),
    udp: flag("datagrams instead of connections"),
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
    const { listen, upstream, udp, name, api: apiAddress, token, allowRemote } = options;
    checkReach("--listen", listen, allowRemote);
    if (apiAddress !== undefined) {
      checkReach("--api", apiAddress, allowRemote);
      if (!isLocalHost(apiAddress.host) && token === undefined) {
        throw usageError(
          `--api ${addressText(apiAddress)} is reached by other machines and needs a token: --token TEXT`,
        );
      }
    }
    // Only who asks for it loads it.
    const { faultProxy } = await import("holdfast/adapters/fault-proxy");
    const { serveFaults } = await import("../faults/fault-api.ts");
    const stop = stopSignal();
    const protocol = udp ? "udp" : "tcp";
    const allowed = options.allow === undefined ? {} : { allow: options.allow };
    const proxy = await starting(listen, "--listen", () =>
      faultProxy({ name, protocol, listen, upstream, allowRemote, ...allowed }),
    );
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

    const at = addressText(proxy.address);
    const url = api === undefined ? null : `http://${addressText(api.address)}`;
    const document = { ready: true, name, pid: process.pid, protocol, listen: at, upstream: addressText(upstream) };
    if (options.json) terminal.document({ ...document, api: url });
    else {
      terminal.out(`${name}: ${protocol} ${at} → ${addressText(upstream)}${url === null ? "" : `, faults at ${url}`}`);
    }
    await aborted(stop);
    await api?.close();
    const { removed, stuck } = await registry.close();
    await proxy.close();
    if (stuck.length > 0) throw environmentError(`${count(stuck.length)} could not be taken back: ${stuck[0]?.error}`);
    terminal.err(`${name} has stopped; ${count(removed.length)} taken back`);
    return exitCodes.ok;
  },
});

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
