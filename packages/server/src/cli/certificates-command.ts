import type { InitialMember } from "holdfast/coordination";
import type { ClusterCertificates } from "../tls/cluster-certificates.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, usageError } from "./exit.ts";
import { flag, integer, memberNames, peers, text } from "./option.ts";

/** Directories are named after them. */
const namePattern = /^\w[\w.-]{0,63}$/;

export const certificatesCommand: Command = defineCommand({
  name: "certificates",
  summary: "make certificates for the members of a cluster on machines of their own, and for clients",
  examples: [
    "holdfast certificates --cluster n1=10.0.0.1:2380,n2=10.0.0.2:2380,n3=10.0.0.3:2380",
    "scp -r tls/n1 10.0.0.1:/etc/holdfast   # to n1, and so on; tls/ca.key stays where it is",
    "holdfast node --name n1 … --cert-file server.crt --key-file server.key --client-cert-auth \\",
    "  --trusted-ca-file ca.crt --peer-cert-file peer.crt --peer-key-file peer.key --peer-trusted-ca-file peer-ca.crt",
  ],
  options: {
    cluster: peers("the members, as holdfast node takes them: their names and hosts"),
    hosts: text({
      placeholder: "HOST,…",
      help: "what clients reach the members by besides, such as a balancer's name",
    }),
    clients: memberNames({
      help: "names for clients' certificates, which are users' names where there are users; default: client",
    }),
    dir: text({ placeholder: "DIR", default: "tls", help: "where they are made, and authorities are kept" }),
    days: integer({ min: 1, max: 3_650, default: 365, help: "how long they are valid" }),
    json: flag("print what was made as JSON"),
  },
  async run({ options, terminal }) {
    const { cluster = [], clients = ["client"], dir, days } = options;
    if (cluster.length === 0 && options.clients === undefined) {
      throw usageError("--cluster is required: --cluster NAME=HOST:PORT,…, or --clients NAME,… for more clients");
    }
    for (const [option, names] of [
      ["--cluster", cluster.map(({ name }) => name)] as const,
      ["--clients", clients] as const,
    ]) {
      const odd = names.find((name) => !namePattern.test(name));
      if (odd === undefined) continue;
      throw usageError(`${option} must have names of letters, digits, _ . - (got ${JSON.stringify(odd)})`);
    }
    const made = await make(cluster, options.hosts?.split(",").map((host) => host.trim()) ?? [], clients, dir, days);
    const { validUntil, members, isFirst } = made;
    if (options.json) {
      terminal.document({
        directory: dir,
        validUntil: validUntil.toISOString(),
        isFirst,
        members,
        clients: made.clients,
      });
      return exitCodes.ok;
    }
    for (const { name, directory } of members) terminal.out(`${directory}: for ${name}'s machine`);
    for (const { name, directory } of made.clients) terminal.out(`${directory}: for ${name}, a client`);
    const kept = isFirst ? "were made, for ten years; keep their keys to yourself" : "are those of before";
    terminal.out(`valid until ${validUntil.toISOString()}; the authorities, ca and peer-ca in ${dir}, ${kept}`);
    return exitCodes.ok;
  },
});

async function make(
  cluster: readonly InitialMember[],
  hosts: readonly string[],
  clients: readonly string[],
  directory: string,
  days: number,
): Promise<ClusterCertificates> {
  const wrong = hosts.find((host) => !/^[\w.:-]+$/.test(host));
  if (wrong !== undefined)
    throw usageError(`--hosts must be names or addresses, separated by commas (got ${JSON.stringify(wrong)})`);
  const members = new Map(cluster.map(({ name, peer }) => [name, [peer.host, ...hosts]]));
  const { makeClusterCertificates } = await import("../tls/cluster-certificates.ts");
  try {
    return makeClusterCertificates({ directory, members, clients, days, now: new Date() });
  } catch (error) {
    throw environmentError(`no certificates were made in ${directory}: ${(error as Error).message}`, error);
  }
}
