import type { Random, Runtime } from "./runtime.ts";
import { type ClockFaults, machineTime, MachineClock, simulatedClock, type SimulatedClock } from "./simulated-clock.ts";
import { type CrashOptions, type DiskControl, SimulatedDisk } from "./simulated-disk.ts";
import type { DiskFaults } from "./faults.ts";
import type { Machine } from "./simulated-machine.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import { simulatedSockets } from "./simulated-sockets.ts";
import { simulatedVolume } from "./simulated-volume.ts";
import type { EventOwner, SimulationEngine, SimulationEvent } from "./simulation-engine.ts";

/** A machine with one process on it, which can end and start again; the disk stays. */
export interface SimulatedProcess {
  /** Its name, and its address on the network. */
  readonly host: string;
  /** The world of the current life. @throws Error when none has started */
  readonly runtime: Runtime;
  /** `crashed` also before the first start and after a kill. */
  readonly state: "running" | "paused" | "crashed";
  readonly disk: DiskControl;
  readonly clock: SimulatedClock;
  /** Starts a life, on a machine that is on again. What `main` throws ends the run, unless this life has ended. */
  start(main: (runtime: Runtime) => void | Promise<void>): void;
  /** The machine loses its power: what is not synced is at the crash policy's mercy, and nobody is told. */
  crash(options?: CrashOptions): void;
  /** kill -9: the machine lives on, keeps what was written, and resets the connections. */
  kill(): void;
  /** SIGSTOP: what arrives and what comes due waits, while time goes on. */
  pause(): void;
  resume(): void;
}

export interface ProcessOptions {
  readonly disk?: Partial<DiskFaults>;
  readonly clock?: ClockFaults;
}

/** What a process is made of. */
export interface ProcessParts {
  readonly engine: SimulationEngine;
  readonly network: SimulatedNetwork;
  readonly machine: Machine;
  readonly random: Random;
  readonly disk: DiskFaults;
  readonly clock: ClockFaults;
}

/** From a start to a crash or kill. Whatever belongs to a life that has ended never happens. */
class Life implements EventOwner {
  alive = true;
  paused = false;
  readonly held: SimulationEvent[] = [];
  readonly runtime: Runtime;

  constructor(make: (life: Life) => Runtime) {
    this.runtime = make(this);
  }
}

/** What `now` starts from, at most: nobody may take two processes' for the same. */
const latestOriginMs = 1000;

export function simulatedProcess(parts: ProcessParts): SimulatedProcess & { endRun(): void } {
  const { engine, network, machine, random } = parts;
  const { host } = machine;
  const disk = new SimulatedDisk(engine, host, random.fork("disk"), parts.disk);
  const clock = new MachineClock(engine, host, random.fork("clock"), parts.clock);
  let lives = 0;
  let life: Life | undefined;

  function endLife(isOff: boolean): void {
    const ended = life;
    if (ended === undefined || !ended.alive) {
      machine.isOn &&= !isOff;
      return;
    }
    ended.alive = false;
    ended.held.length = 0;
    disk.endLife(ended);
    network.endLife(machine, ended, isOff);
  }

  const self: SimulatedProcess & { endRun(): void } = {
    host,
    disk,
    clock,
    get runtime() {
      if (life === undefined) throw new Error(`process ${host} has not been started`);
      return life.runtime;
    },
    get state() {
      if (life === undefined || !life.alive) return "crashed";
      return life.paused ? "paused" : "running";
    },
    start(main) {
      if (self.state !== "crashed") throw new Error(`process ${host} is ${self.state} already`);
      const number = ++lives;
      const draws = random.fork(`life ${number}`);
      const next = new Life((owner) => ({
        clock: simulatedClock(engine, host, owner, machineTime(clock, draws.next() * latestOriginMs)),
        random: draws.fork("process"),
        network: simulatedSockets(network, machine, owner),
        disk: simulatedVolume(disk, owner, `${host}#${number}`),
      }));
      life = next;
      engine.schedule(engine.now, "start", host, next, () => {
        const done = main(next.runtime);
        done?.catch((error: unknown) => {
          if (next.alive) engine.fail(error);
        });
      });
      network.turnOn(machine);
    },
    crash(options = {}) {
      engine.fault("crash", host);
      endLife(true);
      disk.crash(options);
    },
    kill() {
      if (self.state === "crashed") return;
      engine.fault("kill", host);
      endLife(false);
    },
    pause() {
      if (life === undefined || self.state !== "running") return;
      engine.fault("pause", host);
      life.paused = true;
    },
    resume() {
      if (life === undefined || self.state !== "paused") return;
      engine.trace.note(`${host} resumes`, engine.now);
      life.paused = false;
      engine.releaseHeld(life);
    },
    endRun() {
      if (life !== undefined) life.alive = false;
    },
  };
  return self;
}
