import { createMemoryMember, type Member } from "../../../coordination/index.ts";
import { seededRandom, type Random } from "../../../runtime/index.ts";
import { VirtualClock } from "../../../testing/index.ts";
import { createOrchestrator, type Orchestrator } from "../orchestrator.ts";
import type { OrchestratorOptions } from "../orchestrator-options.ts";
import type { PlanEvent } from "../plan-event.ts";
import { StepWorld } from "./step-world.ts";

/** Orchestrators over one store in memory, on virtual time, and the outside that their steps change. */
export class OrchestratorScene {
  readonly clock: VirtualClock = new VirtualClock();
  readonly member: Member = createMemoryMember({ clock: this.clock });
  readonly world: StepWorld = new StepWorld(this.clock);
  readonly events: PlanEvent[] = [];
  readonly errors: unknown[] = [];
  readonly random: Random = seededRandom(7);
  readonly #open: Orchestrator[] = [];

  orchestrator(name: string, options: Partial<OrchestratorOptions> = {}): Orchestrator {
    const orchestrator = createOrchestrator({
      name,
      coordination: this.member,
      executors: this.world.executors(() => true),
      ttlSeconds: 5,
      clock: this.clock,
      random: this.random.fork(name),
      onEvent: (event) => this.events.push(event),
      onError: (error) => this.errors.push(error),
      ...options,
    });
    this.#open.push(orchestrator);
    return orchestrator;
  }

  /** Lets time pass, in steps, until a promise is settled. */
  async until<T>(
    promise: Promise<T>,
    stepMs: number = 50,
    maxMs: number = 3_600_000,
    look: () => void = () => {},
  ): Promise<T> {
    const progress = { settled: false };
    const settle = (): boolean => (progress.settled = true);
    promise.then(settle, settle);
    for (let waited = 0; !progress.settled && waited < maxMs; waited += stepMs) {
      await this.clock.advance(stepMs);
      look();
    }
    if (!progress.settled) throw new Error(`nothing after ${maxMs} ms of virtual time`);
    return await promise;
  }

  async close(): Promise<void> {
    for (const orchestrator of this.#open) {
      const closed = orchestrator.close();
      await this.until(closed);
    }
    await this.member.close();
  }
}
