import type { LinkFaults } from "../runtime/index.ts";
import type { Partition } from "./fault.ts";
import type { Effect, EffectContext, StruckNode } from "./fault-effects.ts";
import type { MessageFault } from "./message-tap.ts";

/** Whom a fault strikes, and the rest. */
export interface Sides {
  readonly struck: readonly StruckNode[];
  readonly others: readonly StruckNode[];
}

function hostsOf(nodes: readonly StruckNode[]): string[] {
  return nodes.map(({ target }) => target.process.host);
}

export function beginPartition(
  { world }: EffectContext,
  { struck, others }: Sides,
  shape: NonNullable<Partition["shape"]>,
): Effect | undefined {
  const side = hostsOf(shape === "bridge" ? struck.slice(1) : struck);
  const rest = hostsOf(others);
  if (side.length === 0 || rest.length === 0) return undefined;
  return { end: world.network.partition(side, rest, { oneWay: shape === "oneWay" }) };
}

/** Makes every link from and to the struck nodes worse. */
export function beginLinkFault(
  { world }: EffectContext,
  sides: Sides,
  faults: Partial<LinkFaults>,
): Effect | undefined {
  const ends = [...linksOf(sides)].map(([from, to]) => world.network.disturb(from, to, faults));
  return ended(ends);
}

/** Does to messages that travel over streams, from and to the struck nodes, what a network does to datagrams. */
export function beginMessageFault(
  { world, random }: EffectContext,
  { struck, others }: Sides,
  fault: MessageFault,
): Effect | undefined {
  const names = new Set(struck.map(({ name }) => name));
  const begin = ({ name, target }: StruckNode, to?: ReadonlySet<string>): (() => void)[] =>
    (target.taps ?? [])
      .filter(({ isReliable }) => isReliable)
      .map((tap) =>
        tap.begin(to === undefined ? fault : { ...fault, to }, random.fork(`${fault.kind} ${name}`), (kind) =>
          world.fault(kind, target.process.host),
        ),
      );
  return ended([...struck.flatMap((node) => begin(node)), ...others.flatMap((node) => begin(node, names))]);
}

export function beginClog({ world }: EffectContext, sides: Sides, forMs: number): Effect | undefined {
  const links = [...linksOf(sides)];
  for (const [from, to] of links) world.network.clog(from, to, forMs);
  // What is clogged opens by itself.
  return links.length === 0 ? undefined : { end: () => undefined };
}

export function beginReset({ world }: EffectContext, { struck }: Sides): Effect | undefined {
  let broken = 0;
  for (const host of hostsOf(struck)) broken += world.network.breakConnections(host);
  return broken === 0 ? undefined : { end: () => undefined };
}

/** Every direction that begins or ends at a struck node. */
function* linksOf({ struck, others }: Sides): Iterable<readonly [from: string, to: string]> {
  const [hosts, rest] = [hostsOf(struck), hostsOf(others)];
  for (const from of hosts) {
    for (const to of hosts) if (from !== to) yield [from, to];
    for (const other of rest) {
      yield [from, other];
      yield [other, from];
    }
  }
}

function ended(ends: readonly (() => void)[]): Effect | undefined {
  if (ends.length === 0) return undefined;
  return {
    end() {
      for (const end of ends) end();
    },
  };
}
