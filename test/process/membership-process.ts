import { createInterface } from "node:readline";
import { createKeyring } from "../../packages/holdfast/src/membership/keyring.ts";
import { createMembership, type MembershipOptions } from "../../packages/holdfast/src/membership/membership-node.ts";
import { nodeRuntime, type Address } from "../../packages/holdfast/src/runtime/index.ts";
import { nodeCipher } from "../../packages/holdfast/src/runtime/node-cipher.ts";

/** What the one argument holds, as JSON. */
export interface MemberPlan extends Pick<
  MembershipOptions,
  "name" | "host" | "port" | "seeds" | "profile" | "timing" | "label"
> {
  /** In hexadecimal, the primary first. */
  readonly keys?: readonly string[];
  /** The event loop is blocked for `forMs` at the end of every `everyMs`. */
  readonly block?: { readonly everyMs: number; readonly forMs: number };
}

/** One member in a process of its own: events and answers as JSON lines on stdout, commands as lines on stdin. */
const { keys, block, ...options } = JSON.parse(process.argv[2] ?? "") as MemberPlan;

const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

const membership = await createMembership({
  ...options,
  runtime: nodeRuntime(),
  ...(keys === undefined
    ? {}
    : { keyring: createKeyring({ cipher: nodeCipher(), keys: keys.map((key) => Buffer.from(key, "hex")) }) }),
  onEvent(event) {
    say({ event: event.type, ...("member" in event ? { of: event.member.name } : {}) });
  },
});
void membership.failed.then((error) => {
  console.error(error);
  process.exit(1);
});
say({ ready: membership.address });

if (block !== undefined) {
  const never = new Int32Array(new SharedArrayBuffer(4));
  // Blocks the thread as a long task does, without taking the processor from the other members.
  setInterval(() => Atomics.wait(never, 0, 0, block.forMs), block.everyMs);
}

const commands = createInterface({ input: process.stdin });
commands.on("line", (line) => {
  const [command, host = "", port = ""] = line.split(" ");
  if (command === "members") {
    const members = membership.members().map(({ name, state }) => ({ name, state }));
    say({ members, metrics: membership.metrics });
  } else if (command === "join") {
    const to: Address = { host, port: Number(port) };
    membership.join([to]).then(
      (answered) => say({ joined: answered }),
      (error: Error) => say({ joined: 0, error: error.message }),
    );
  } else if (command === "leave") {
    void membership
      .leave()
      .then(() => membership.close())
      .then(() => process.exit(0));
  }
});
// Whoever started this process has gone.
commands.on("close", () => process.exit(0));
