import {
  fencedTxn,
  lock,
  openSession,
  RecipeError,
  CoordinationError,
  type Coordination,
  type HeldLock,
  type Session,
} from "holdfast/coordination";
import type { Clock, Runtime } from "holdfast/runtime";
import { leasePace, type LockScene } from "./lock-scene.ts";

export interface LockWorkplace {
  readonly host: string;
  readonly coordination: Coordination;
  readonly runtime: Runtime;
  /** What sessions go by. */
  readonly clock: Clock;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Takes locks and uses what they guard, well or badly, in one session after the other. */
export class LockWorker {
  readonly #scene: LockScene;
  readonly #place: LockWorkplace;

  constructor(scene: LockScene, place: LockWorkplace) {
    this.#scene = scene;
    this.#place = place;
  }

  async work(): Promise<void> {
    const { tally, pace } = this.#scene;
    const { coordination, clock, runtime } = this.#place;
    const { random } = runtime;
    while (!this.#scene.ending) {
      try {
        const ttlSeconds = leasePace(pace) * random.integer(2, 6);
        const session = await openSession(coordination, { ttlSeconds, clock, random });
        tally.sessions++;
        try {
          for (let left = random.integer(1, 20); left > 0 && !this.#scene.ending; left--) {
            if ((await this.#hold(session)) === "forgot") break;
          }
        } finally {
          // One in three is not closed, but left to run out with all that it holds.
          if (random.next() < 0.3) session.detach();
          else await session.close();
        }
      } catch (error) {
        if (error instanceof RecipeError && error.code === "SESSION_LOST") tally.lostSessions++;
        else if (!(error instanceof CoordinationError)) throw error;
        await runtime.clock.sleep(500);
      }
    }
  }

  async #hold(session: Session): Promise<"forgot" | undefined> {
    const { ledger, names, tally, pace } = this.#scene;
    const { host, runtime } = this.#place;
    const { random, clock } = runtime;
    const name = names[random.integer(0, names.length - 1)]!;
    let held: HeldLock | undefined;
    try {
      held = await this.#take(session, name);
    } catch (error) {
      // Who waits loses its place with its lease, and must have known before that it might.
      if (!(error instanceof RecipeError) || error.code !== "LOCK_LOST" || session.held) throw error;
      tally.lostSessions++;
      return "forgot";
    }
    if (held === undefined) {
      await clock.sleep(pace * random.integer(10, 1_000));
      return undefined;
    }
    const hold = ledger.granted(host, held);
    // Some stop as soon as they are told, others do not look.
    const careful = random.next() < 0.5;
    try {
      for (let left = random.integer(1, 4); left > 0; left--) {
        await clock.sleep(pace * random.integer(0, 1_000));
        if (!held.held) tally.lost++;
        if (careful && held.signal.aborted) break;
        this.#send(held, random.integer(0, 2_000));
        if (!held.held || random.next() < 0.5) await this.#fence(session, held);
      }
      // Now and then a holder forgets to release, and the lock goes with its session.
      if (random.next() < 0.05) return "forgot";
      await held.release();
      return undefined;
    } catch (error) {
      // Its release was not answered in time: the lock goes with its session, if it has not gone.
      if (!(error instanceof CoordinationError) || error.code !== "TIMED_OUT") throw error;
      tally.timeouts++;
      return "forgot";
    } finally {
      ledger.over(hold);
    }
  }

  async #take(session: Session, name: string): Promise<HeldLock | undefined> {
    const { ledger, tally } = this.#scene;
    const { host, runtime } = this.#place;
    const { random } = runtime;
    const own = lock(session, name);
    const isTry = random.next() < 0.2;
    if (!isTry) tally.waits++;
    if (isTry || random.next() < 0.3) {
      try {
        if (isTry) return await own.tryAcquire({ timeoutMs: 10_000 });
        return await own.acquire({ timeoutMs: random.integer(1, 10_000) });
      } catch (error) {
        if (!(error instanceof RecipeError) || error.code !== "ACQUIRE_TIMED_OUT") throw error;
        tally.timeouts++;
        return undefined;
      }
    }
    const done = ledger.wait(host, name);
    try {
      return await own.acquire();
    } finally {
      done();
    }
  }

  /** A write that is on its way for a while, and arrives whatever has become of its sender. */
  #send({ name, token }: HeldLock, delayMs: number): void {
    const { world, ledger } = this.#scene;
    world.clock.setTimer(delayMs, () => ledger.write(name, token));
  }

  /** A write into the cluster itself; what it replaces must not be of a later holder. */
  async #fence(session: Session, held: HeldLock): Promise<void> {
    const key = encoder.encode(`guarded-${held.name}`);
    const value = encoder.encode(`${held.token}`);
    try {
      const { responses } = await fencedTxn(session.coordination, held, {
        compare: [],
        success: [{ type: "put", request: { key, value, previousPair: true } }],
        failure: [],
      });
      const [put] = responses;
      const before = put?.type === "put" ? put.response.previousPair : undefined;
      if (before !== undefined && Number(decoder.decode(before.value)) > held.token) {
        throw new Error(`the store let ${held.token} in after ${decoder.decode(before.value)}`);
      }
    } catch (error) {
      if (!(error instanceof RecipeError) || error.code !== "LOCK_LOST") throw error;
      this.#scene.tally.fencedOut++;
    }
  }
}
