import { hexOf, type Session } from "../../coordination/index.ts";
import { HoldfastError } from "../../errors/base.ts";
import { compilePlan, type CompiledPlan } from "./compile-plan.ts";
import type { DeskView } from "./desk-view.ts";
import { ExecutionRun } from "./execution-run.ts";
import type { ExecutionState } from "./execution-state.ts";
import type { ClaimedExecution, ExecutionClaim, ExecutionStore } from "./execution-store.ts";
import type { ExecutionInput } from "./execution-step.ts";
import type { OrchestratorSettings } from "./orchestrator-options.ts";
import type { JsonValue } from "./plan.ts";
import { PlanError } from "./plan-error.ts";
import type { PlanEvent } from "./plan-event.ts";

export interface TenureParts {
  readonly settings: OrchestratorSettings;
  readonly store: ExecutionStore;
  readonly desk: DeskView;
  readonly session: Session;
  /** Fires when the session is over, or may be: nothing is claimed, begun or recorded after that. */
  readonly signal: AbortSignal;
  /** Executions that were asked for here. */
  readonly own: Set<string>;
  /** Whether nothing is begun any more. */
  readonly isDraining: boolean;
  readonly publish: (event: PlanEvent) => void;
  readonly onError: (error: unknown, execution: string | undefined) => void;
}

/** How many claims are asked for at the same time. */
const maxClaims = 16;

/** What an orchestrator runs during one session: it ends with it, and everything is claimed anew in the next one. */
export class Tenure {
  readonly #parts: TenureParts;
  readonly #runs = new Map<string, ExecutionRun>();
  /** Executions that nobody has, as far as is known. */
  readonly #free = new Set<string>();
  /** Those that cannot be run here: their plans do not fit the executors, or their records are broken. */
  readonly #refused = new Set<string>();
  readonly #fed = new Map<string, number>();
  /** Those that are being recorded or claimed for it. */
  readonly #pending = new Set<string>();
  #claiming = 0;
  #finished = 0;
  #isDraining: boolean;

  constructor(parts: TenureParts) {
    this.#parts = parts;
    this.#isDraining = parts.isDraining;
    for (const id of parts.desk.active.keys()) if (!parts.desk.owners.has(id)) this.onFree(id);
  }

  get running(): number {
    return this.#runs.size;
  }

  /** Begins and claims nothing from now on. */
  drain(): void {
    this.#isDraining = true;
  }

  get isBusy(): boolean {
    return this.#pending.size > 0 || [...this.#runs.values()].some((run) => run.isBusy);
  }

  /** Records a new execution, and runs it here if there is room. */
  async create(plan: CompiledPlan, state: ExecutionState, signal: AbortSignal): Promise<void> {
    const { store, settings, session } = this.#parts;
    const hasRoom = !this.#isDraining && this.#runs.size + this.#pending.size < settings.maxRunning;
    const claimant = hasRoom ? { name: session.uniqueName(), leaseId: session.leaseId } : undefined;
    if (hasRoom) this.#pending.add(state.id);
    try {
      const claim = await store.create(plan.document, state, claimant, signal).catch((error: unknown) => {
        if (!isLeaseGone(error)) throw error;
        // The session has ended and does not know yet. Somebody will run it.
        return store.create(plan.document, state, undefined, signal);
      });
      if (claim !== undefined && !this.#runs.has(state.id)) this.#start({ plan, claim, state, outputs: new Map() });
    } finally {
      this.#pending.delete(state.id);
    }
    const { desk } = this.#parts;
    if (desk.active.has(state.id) && !desk.owners.has(state.id)) this.onFree(state.id);
  }

  onFree(id: string): void {
    if (this.#runs.has(id) || this.#pending.has(id) || this.#refused.has(id)) return;
    if (!this.#parts.settings.takesOver && !this.#parts.own.has(id)) return;
    this.#free.add(id);
    this.#claimMore();
  }

  onTaken(id: string): void {
    this.#free.delete(id);
    const { desk, session, store, signal } = this.#parts;
    const owner = desk.owners.get(id);
    if (owner === undefined || this.#runs.has(id) || this.#pending.has(id)) return;
    if (!owner.name.startsWith(`${hexOf(session.leaseId)}.`)) return;
    // A claim of our own that nobody waited for any more.
    store.release({ id, token: owner.token }, signal).catch(() => undefined);
  }

  onOver(id: string): void {
    this.#free.delete(id);
    this.#refused.delete(id);
  }

  onRequest(id: string): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    for (const { key, revision, request } of this.#parts.desk.requestsOf(id)) {
      const name = `${id}/${new TextDecoder().decode(key)}`;
      if (this.#fed.get(name) === revision) continue;
      this.#fed.set(name, revision);
      const at = this.#parts.settings.clock.wallTime();
      // One that nobody can read is removed with a tick, which does nothing.
      const input: ExecutionInput = request === undefined ? { type: "tick", at, draw: 0 } : { ...request, at };
      run.feed(input, key);
    }
  }

  #claimMore(): void {
    const { settings, signal } = this.#parts;
    while (
      !signal.aborted &&
      !this.#isDraining &&
      this.#claiming < maxClaims &&
      this.#runs.size + this.#pending.size < settings.maxRunning
    ) {
      const [id] = this.#free;
      if (id === undefined) return;
      this.#free.delete(id);
      this.#claiming++;
      this.#pending.add(id);
      void this.#claim(id).finally(() => {
        this.#claiming--;
        this.#pending.delete(id);
        this.#claimMore();
      });
    }
  }

  async #claim(id: string): Promise<void> {
    const { store, session, signal, settings, onError, desk } = this.#parts;
    const claimant = { name: session.uniqueName(), leaseId: session.leaseId };
    let claimed: ClaimedExecution | undefined;
    try {
      // Not all at the very same moment.
      await settings.clock.sleep(settings.random.next() * 20, { signal });
      if (desk.owners.has(id) || !desk.active.has(id)) return;
      claimed = await store.claim(id, claimant, signal);
      if (claimed === undefined) return;
      const { record, claim, outputs } = claimed;
      const plan = compilePlan(claimed.plan, settings.executors);
      this.#start({ plan, claim, state: record.state, outputs });
    } catch (error) {
      // Of a session that has ended, and will know soon, nothing is claimed any more.
      if (signal.aborted || isLeaseGone(error)) return;
      this.#refused.add(id);
      onError(error, id);
      if (claimed !== undefined) await store.release(claimed.claim, signal).catch(() => undefined);
    }
  }

  #start(given: {
    readonly plan: CompiledPlan;
    readonly claim: ExecutionClaim;
    readonly state: ExecutionState;
    readonly outputs: ReadonlyMap<string, JsonValue>;
  }): void {
    const { settings, store, session, signal, publish } = this.#parts;
    const { executors, clock, random, limits, maxOutputBytes, name } = settings;
    const own = { store, session, signal, publish, executors, clock, random, limits, maxOutputBytes };
    const { id, status } = given.state;
    const run = new ExecutionRun({ ...given, ...own });
    this.#runs.set(id, run);
    const at = clock.wallTime();
    if (status === "pending") run.feed({ type: "begin", at });
    else run.feed({ type: "takeOver", by: name, at, draw: random.next() });
    this.onRequest(id);
    void this.#attend(run, given.claim);
  }

  async #attend(run: ExecutionRun, claim: ExecutionClaim): Promise<void> {
    const { signal, store, onError } = this.#parts;
    const { id } = run;
    try {
      await run.run();
    } catch (error) {
      if (signal.aborted) return;
      // Asked, the session sees whether it is still held, and ends the tenure when it is not.
      void this.#parts.session.whileHeld;
      if (!(error instanceof PlanError && error.code === "CLAIM_LOST")) {
        this.#refused.add(id);
        onError(error, id);
        await store.release(claim, signal).catch(() => undefined);
      }
    } finally {
      this.#runs.delete(id);
      // Seldom is enough: what is above the bound is a few.
      if (this.#finished++ % 16 === 0) void this.#prune();
      for (const name of this.#fed.keys()) if (name.startsWith(`${id}/`)) this.#fed.delete(name);
      this.#claimMore();
    }
  }
  async #prune(): Promise<void> {
    const { signal, store, settings, onError } = this.#parts;
    try {
      await store.prune(settings.maxFinished, signal);
    } catch (error) {
      if (!signal.aborted) onError(error, undefined);
    }
  }
}

function isLeaseGone(error: unknown): boolean {
  return HoldfastError.is(error) && error.code === "LEASE_NOT_FOUND";
}
