import { phiDetector, timeoutDetector, type HeartbeatDetector } from "holdfast/membership";
import { MessageTap, tappedNetwork, turnBit, type FaultTarget } from "holdfast/proof";
import type { Random, Runtime, World } from "holdfast/runtime";
import type { Verdict, Watchers } from "./observation.ts";

const names = ["n0", "n1", "n2", "n3", "n4"];
const heartbeatMs = 100;
const checkIntervalMs = 50;

/** The two detectors that judge by heartbeats. */
export type HeartbeatDetectorKind = "heartbeat" | "phi";

function makeDetector(kind: HeartbeatDetectorKind): HeartbeatDetector {
  return kind === "heartbeat"
    ? timeoutDetector({ timeoutMs: 1_000, checkIntervalMs })
    : phiDetector({ acceptablePauseMs: 500, firstIntervalMs: heartbeatMs, minDeviationMs: 20, checkIntervalMs });
}

interface Heartbeat {
  readonly name: string;
  /** Larger in every life than in the one before. */
  readonly sequence: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A liar speaks for somebody else. */
function falseHeartbeat(bytes: Uint8Array, random: Random, speaksFor: string | undefined): Uint8Array {
  const heartbeat = JSON.parse(decoder.decode(bytes)) as Heartbeat;
  const others = speaksFor === undefined ? names.filter((name) => name !== heartbeat.name) : [speaksFor];
  return encoder.encode(JSON.stringify({ ...heartbeat, name: others[random.integer(0, others.length - 1)]! }));
}

/** Nodes that send each other heartbeats, each with a detector of its own; a liar among them speaks for `speaksFor`. */
export function heartbeatWatchers(world: World, kind: HeartbeatDetectorKind, speaksFor?: string): Watchers {
  const verdicts: Verdict[] = [];
  const nodes = new Map<string, FaultTarget>();
  const watching = new Map<string, HeartbeatDetector>();
  const now = new Map<string, () => number>();

  async function live(name: string, runtime: Runtime, tap: MessageTap<Uint8Array>): Promise<void> {
    const { clock } = runtime;
    const streams = new MessageTap({ falsify: turnBit, isReliable: false });
    const network = tappedNetwork(runtime.network, { datagrams: tap, streams, clock, nameOf: (host) => host });
    const detector = makeDetector(kind);
    const others = names.filter((other) => other !== name);
    for (const other of others) detector.watch(other, clock.now());
    watching.set(name, detector);
    now.set(name, () => clock.now());
    const socket = await network.openDatagram({ host: name, port: 1 }, (bytes) => {
      const heartbeat = JSON.parse(decoder.decode(bytes)) as Heartbeat;
      detector.heartbeat(heartbeat.name, clock.now(), heartbeat.sequence);
    });
    const look = (): void => {
      for (const { name: subject, to } of detector.check(clock.now())) {
        verdicts.push({ observer: name, subject, state: to, at: world.clock.now() });
      }
      clock.setTimer(checkIntervalMs, look);
    };
    look();
    // True time, so that a life begins above the last one whatever the clock says.
    for (let sequence = Math.round(world.clock.now()) * 1_000; ; sequence++) {
      const bytes = encoder.encode(JSON.stringify({ name, sequence }));
      for (const other of others) socket.send(bytes, { host: other, port: 1 });
      await clock.sleep(heartbeatMs);
    }
  }

  for (const name of names) {
    const process = world.process(name);
    const tap = new MessageTap<Uint8Array>({
      falsify: (bytes, random) => falseHeartbeat(bytes, random, speaksFor),
      isReliable: false,
    });
    const start = (): void => process.start((runtime) => live(name, runtime, tap));
    nodes.set(name, { process, start, taps: [tap] });
    start();
  }

  return {
    nodes,
    verdicts,
    get isAgreed() {
      return names.every((name) => {
        const detector = watching.get(name);
        const healthy = detector?.inState("healthy", now.get(name)!()) ?? [];
        return healthy.length === names.length - 1;
      });
    },
    announce(name, state) {
      for (const [observer, detector] of watching) {
        if (observer === name) continue;
        if (state === "back") {
          detector.watch(name, now.get(observer)!());
          verdicts.push({ observer, subject: name, state: "healthy", at: world.clock.now() });
        } else {
          detector.unwatch(name);
          verdicts.push({ observer, subject: name, state: "failed", at: world.clock.now() });
        }
      }
    },
  };
}
