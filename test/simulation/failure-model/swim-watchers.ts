import { createKeyring, createMembership, type Membership } from "holdfast/membership";
import { MessageTap, tappedNetwork, turnBit, type FaultTarget } from "holdfast/proof";
import { nodeCipher, type Random, type Runtime, type World } from "holdfast/runtime";
import type { Message } from "../../../packages/holdfast/src/membership/message.ts";
import { PacketCodec } from "../../../packages/holdfast/src/membership/packet.ts";
import type { Verdict, Watchers } from "./observation.ts";

const names = ["n0", "n1", "n2", "n3", "n4"];
const port = 7_946;

/** Reads packets and makes them, as any member can that has what it takes to be one. */
function insider(): PacketCodec {
  return new PacketCodec({
    label: "",
    keyring: undefined,
    maxClockSkewMs: Infinity,
    wallTime: () => 0,
    onDrop: (reason) => {
      throw new Error(`a member's own packet was dropped: ${reason}`);
    },
  });
}

/** What a member that lies sends: answers to questions nobody asked, and false news about everyone. */
function falseMessage(message: Message, from: string, random: Random): Message {
  const others = names.filter((name) => name !== from);
  const other = others[random.integer(0, others.length - 1)]!;
  switch (message.type) {
    case "ack":
    case "nack":
      return { ...message, seq: message.seq + 1 };
    case "ping":
    case "pingReq":
      // What it asks for is somebody's death.
      return random.next() < 0.5
        ? { type: "suspect", name: other, incarnation: 0, from }
        : { type: "dead", name: other, incarnation: 0, from };
    case "alive":
      return { ...message, incarnation: message.incarnation + 1 };
    default:
      return message;
  }
}

/** SWIM members with their real driver, packets and streams; sealed when they have a key. */
export function swimWatchers(world: World, key?: Uint8Array): Watchers {
  const verdicts: Verdict[] = [];
  const nodes = new Map<string, FaultTarget>();
  const members = new Map<string, Membership>();
  const codec = insider();

  async function live(name: string, runtime: Runtime, taps: readonly MessageTap<Uint8Array>[]): Promise<void> {
    const [datagrams, streams] = taps as [MessageTap<Uint8Array>, MessageTap<Uint8Array>];
    const network = tappedNetwork(runtime.network, {
      datagrams,
      streams,
      clock: runtime.clock,
      nameOf: (host) => host,
    });
    members.delete(name);
    const membership = await createMembership({
      runtime: { ...runtime, network },
      name,
      host: name,
      port,
      profile: "local",
      ...(key === undefined ? {} : { keyring: createKeyring({ cipher: nodeCipher(), keys: [key] }) }),
      seeds: names.filter((other) => other !== name).map((host) => ({ host, port })),
      onEvent(event) {
        const state = { suspect: "suspect", failed: "failed", join: "healthy" }[event.type as string];
        if (state === undefined || !("member" in event)) return;
        const subject = event.member.name;
        verdicts.push({ observer: name, subject, state: state as Verdict["state"], at: world.clock.now() });
      },
    });
    members.set(name, membership);
  }

  for (const name of names) {
    const process = world.process(name);
    const falsify = (bytes: Uint8Array, random: Random): Uint8Array => {
      const messages = codec.decode(bytes, "datagram")!;
      return codec.encode(messages.map((message) => falseMessage(message, name, random)));
    };
    const taps = [
      new MessageTap({ falsify, isReliable: false }),
      new MessageTap({ falsify: turnBit, isReliable: false }),
    ];
    const start = (): void => process.start((runtime) => live(name, runtime, taps));
    nodes.set(name, { process, start, taps });
    start();
  }

  // Whoever tells of a stop is no member: it sends one packet to one of them, who passes it on.
  const supervisor = world.process("supervisor");
  let tell: (name: string) => void = () => undefined;
  supervisor.start(async ({ network }) => {
    const socket = await network.openDatagram({ host: "supervisor", port }, () => undefined);
    tell = (name) => {
      const { incarnation = 0 } = [...members.get("n0")!.members()].find((member) => member.name === name) ?? {};
      socket.send(codec.encode([{ type: "dead", name, incarnation, from: "supervisor" }]), { host: "n0", port });
    };
  });

  return {
    nodes,
    verdicts,
    get isAgreed() {
      return names.every((name) => {
        const alive =
          members
            .get(name)
            ?.members()
            .filter(({ state }) => state === "alive") ?? [];
        return alive.length === names.length;
      });
    },
    announce(name, state) {
      if (state === "stopped") tell(name);
    },
  };
}
