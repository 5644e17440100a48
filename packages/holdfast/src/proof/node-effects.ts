import type { Timer } from "../runtime/index.ts";
import type { Byzantine, Slow } from "./fault.ts";
import type { Effect, EffectContext, StruckNode } from "./fault-effects.ts";
import { HoldCount } from "./hold-count.ts";

function stop(node: StruckNode, how: "power" | "kill"): void {
  if (node.target.stop !== undefined) node.target.stop(how);
  else if (how === "power") node.target.process.crash();
  else node.target.process.kill();
}

function isUp({ target }: StruckNode): boolean {
  return target.process.state !== "crashed";
}

export function beginCrash(nodes: readonly StruckNode[], how: "power" | "kill"): Effect | undefined {
  const up = nodes.filter(isUp);
  if (up.length === 0) return undefined;
  for (const node of up) stop(node, how);
  return {
    staysDown: true,
    end() {
      for (const node of up) if (!isUp(node)) node.target.start();
    },
  };
}

export function beginFailStop({ world, targets }: EffectContext, nodes: readonly StruckNode[]): Effect | undefined {
  const up = nodes.filter(isUp);
  if (up.length === 0) return undefined;
  for (const node of up) {
    world.fault("fail-stop", node.target.process.host);
    stop(node, "kill");
    targets.announce?.(node.name, "stopped");
  }
  return {
    staysDown: true,
    end() {
      for (const node of up) {
        if (isUp(node)) continue;
        node.target.start();
        targets.announce?.(node.name, "back");
      }
    },
  };
}

/** Everything that a Byzantine node sends passes its taps. */
export function beginByzantine(
  { world, random }: EffectContext,
  nodes: readonly StruckNode[],
  { behaviour, share = 1, delayMs = 0 }: Byzantine,
): Effect | undefined {
  const ends = nodes.flatMap(({ name, target }) =>
    (target.taps ?? []).map((tap) =>
      tap.begin({ kind: behaviour, share, delayMs }, random.fork(`byzantine ${name}`), (kind) =>
        world.fault(kind, target.process.host),
      ),
    ),
  );
  if (ends.length === 0) return undefined;
  return {
    end() {
      for (const end of ends) end();
    },
  };
}

/** Nodes that stand still now and then. */
export class NodeEffects {
  readonly #held = new HoldCount();

  beginSlow(
    { world }: EffectContext,
    nodes: readonly StruckNode[],
    { share = 1, everyMs = 100 }: Slow,
  ): Effect | undefined {
    const up = nodes.filter(isUp);
    if (up.length === 0 || share === 0) return undefined;
    const timers = new Map<StruckNode, Timer>();
    const standing = new Set<StruckNode>();
    const standStill = (node: StruckNode): void => {
      standing.add(node);
      if (this.#held.hold(node.name)) node.target.process.pause();
      if (share < 1)
        timers.set(
          node,
          world.clock.setTimer(share * everyMs, () => goOn(node)),
        );
    };
    const release = (node: StruckNode): void => {
      if (!standing.delete(node)) return;
      if (this.#held.release(node.name)) node.target.process.resume();
    };
    const goOn = (node: StruckNode): void => {
      release(node);
      timers.set(
        node,
        world.clock.setTimer((1 - share) * everyMs, () => standStill(node)),
      );
    };
    for (const node of up) standStill(node);
    return {
      end() {
        for (const node of up) {
          timers.get(node)?.cancel();
          release(node);
        }
      },
    };
  }
}
