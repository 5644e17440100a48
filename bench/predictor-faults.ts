import type { Clock, Random, World } from "holdfast/runtime";
import { type ServerState, serve } from "./predictor-service.ts";

/** What the faults change, and what the workload reads. */
export interface Conditions {
  /** Multiplies the usual rate of calls. */
  load: number;
  /** How often each fault was drawn. */
  readonly drawn: Map<string, number>;
}

/** Which fault, and how often: in shares. The first three build up, and so does `leak`; the others come out of nothing. */
const kinds = [
  ["surge", 0.2],
  ["slowDisk", 0.2],
  ["badLink", 0.15],
  ["leak", 0.15],
  ["crash", 0.15],
  ["partition", 0.15],
] as const;

/** Draws faults one after the other until the time is over, and in every second run a job that comes by the clock. */
export function startFaults(
  world: World,
  random: Random,
  states: ReadonlyMap<string, ServerState>,
  conditions: Conditions,
): void {
  const hosts = [...states.keys()];
  const { clock } = world;
  void (async () => {
    for (;;) {
      await clock.sleep(-120_000 * Math.log(1 - random.next()) + 20_000);
      const host = hosts[random.integer(0, hosts.length - 1)] as string;
      const kind = drawKind(random);
      conditions.drawn.set(kind, (conditions.drawn.get(kind) ?? 0) + 1);
      await faults[kind](world, random, host, states.get(host) as ServerState, conditions);
    }
  })();
  if (random.next() < 0.5) return;
  conditions.drawn.set("periodicJob", 1);
  void periodicJob(world, random, hosts);
}

function drawKind(random: Random): (typeof kinds)[number][0] {
  let left = random.next();
  for (const [kind, share] of kinds) if ((left -= share) < 0) return kind;
  return "crash";
}

type Fault = (world: World, random: Random, host: string, state: ServerState, conditions: Conditions) => Promise<void>;

const faults: Readonly<Record<(typeof kinds)[number][0], Fault>> = {
  async surge({ clock }, random, _host, _state, conditions) {
    const height = 0.5 + 1.5 * random.next();
    await ramp(random, 20_000, 90_000, (share) => (conditions.load = 1 + height * share), clock);
    await clock.sleep(random.integer(10_000, 60_000));
    conditions.load = 1;
  },
  async slowDisk(world, random, host) {
    const { clock } = world;
    const { disk } = world.process(host);
    const worst = random.integer(60, 400);
    await ramp(random, 20_000, 120_000, (share) => disk.delay("sync", worst * share), clock);
    await clock.sleep(random.integer(10_000, 60_000));
    disk.delay("sync", 0);
  },
  async badLink({ clock, network }, random, host) {
    const worst = 0.2 + 0.5 * random.next();
    const set = (share: number): void => {
      const faults = { loss: worst * share, latencyMs: 0.5 + 150 * share };
      network.setLink("client", host, faults);
      network.setLink(host, "client", faults);
    };
    await ramp(random, 20_000, 120_000, set, clock);
    await clock.sleep(random.integer(10_000, 60_000));
    network.setLink("client", host, { loss: 0, latencyMs: 0.5 });
    network.setLink(host, "client", { loss: 0, latencyMs: 0.5 });
  },
  async leak(world, random, host, state, conditions) {
    await ramp(random, 60_000, 240_000, (share) => (state.leaked = share), world.clock);
    await faults.crash(world, random, host, state, conditions);
  },
  async crash(world, random, host, state) {
    const { clock } = world;
    const server = world.process(host);
    // The machine, which nobody can reach, or the process alone, whose machine refuses connections.
    if (random.next() < 0.3) server.crash();
    else server.kill();
    await clock.sleep(random.integer(5_000, 30_000));
    state.leaked = state.queued = 0;
    server.start((runtime) => serve(runtime, host, state));
  },
  async partition({ clock, network }, random, host) {
    network.partition(["client"], [host]);
    await clock.sleep(random.integer(5_000, 30_000));
    network.heal();
  },
};

/** Stops a server for some seconds, always after the same time, as a backup or a compaction does. */
async function periodicJob(world: World, random: Random, hosts: readonly string[]): Promise<void> {
  const { clock } = world;
  const periodMs = random.integer(90_000, 200_000);
  const lengthMs = random.integer(4_000, 8_000);
  const host = hosts[random.integer(0, hosts.length - 1)] as string;
  for (;;) {
    await clock.sleep(periodMs - lengthMs);
    world.process(host).pause();
    await clock.sleep(lengthMs);
    world.process(host).resume();
  }
}

/** From nothing to all in ten steps, over a time that is drawn. */
async function ramp(
  random: Random,
  leastMs: number,
  mostMs: number,
  set: (share: number) => void,
  clock: Clock,
): Promise<void> {
  const ms = random.integer(leastMs, mostMs);
  for (let step = 1; step <= 10; step++) {
    set(step / 10);
    await clock.sleep(ms / 10);
  }
}
