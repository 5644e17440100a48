import { join } from "node:path";
import { freePortRange } from "./free-ports.ts";
import { start, temporaryDirectory, type RunningCommand } from "./holdfast-command.ts";

/** Where a cluster of one lives: its data, its client port, the peer port one above and the HTTP port two above. */
export interface Place {
  readonly data: string;
  readonly port: number;
  readonly url: string;
}

/** What a test has to undo, in reverse. */
export const undo: (() => unknown)[] = [];

export async function cleanUp(): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

export async function place(): Promise<Place> {
  const directory = temporaryDirectory();
  undo.push(() => directory.remove());
  const port = await freePortRange(4);
  return { data: join(directory.path, "n1"), port, url: `http://127.0.0.1:${port}` };
}

/** The line that starts a cluster of one. */
export function line({ data, port }: Omit<Place, "url">, name: string = "n1"): string[] {
  const [client, peer, http] = [0, 1, 2].map((offset) => `127.0.0.1:${port + offset}`);
  return [
    ["node", "--name", name, "--data", data, "--cluster", `${name}=${peer}`],
    ["--client", String(client), "--peer", String(peer), "--http", String(http)],
  ].flat();
}

/** Starts it, and waits until it is ready. */
export async function running(where: Place): Promise<RunningCommand> {
  const node = start(line(where));
  undo.push(async () => {
    node.child.kill("SIGKILL");
    await node.done;
  });
  await node.firstLine();
  return node;
}

/** Asks it to stop. @throws Error when it does not end as it should */
export async function stop(node: RunningCommand): Promise<void> {
  node.child.kill("SIGTERM");
  const { code, stderr } = await node.done;
  if (code !== 0 || !stderr.includes("n1 has stopped")) throw new Error(`ended with code ${code}: ${stderr}`);
}
