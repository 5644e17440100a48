import type { Fault } from "holdfast/proof";
import type { World } from "holdfast/runtime";
import type {
  DrillView,
  FaultView,
  IdentifiedEvent,
  LiveMessage,
  LiveRecording,
  TelemetryFact,
} from "holdfast/telemetry";
import { recordedHello } from "../../packages/server/src/recording/record-hub.ts";
import { LiveRecorder } from "../../packages/server/src/recording/live-recorder.ts";
import { ClusterLook } from "./cluster-look.ts";
import { commandFor } from "./report.ts";
import { runSimulation, type RunOptions, type RunResult } from "./run.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

/** Between two looks at a cluster in which nothing changes but how far it has come. */
const everyMs = 200;
const servedBy = "simulator";

/** Runs a seed, and keeps what the dashboard would show of it, on virtual time: the same seed gives the same recording. */
export async function recordSimulation(
  options: RunOptions,
): Promise<{ readonly result: RunResult; readonly recording: LiveRecording }> {
  const run = new RecordedRun(options);
  const result = await runSimulation(options, {
    watch: (world, cluster) => run.begin(world, cluster),
    onFault: (fault, names) => run.strike(fault, names),
  });
  return { result, recording: run.finish(result) };
}

class RecordedRun {
  readonly #title: string;
  readonly #command: string;
  readonly #run: string;
  readonly #recorder = new LiveRecorder();
  readonly #seqs = new Map<string, number>();
  readonly #faults = new Map<string, FaultView>();
  #world: World | undefined;
  #look: ClusterLook | undefined;
  #view: DrillView;
  #startedAt = 0;
  #struck = 0;
  #nextMs = 0;
  #told: IdentifiedEvent[] = [];

  constructor(options: RunOptions) {
    const { seed } = options;
    this.#title = `simulation of seed ${seed}`;
    this.#command = commandFor(options);
    this.#run = `seed${seed}`;
    this.#view = { drill: this.#title, verdict: "running", phase: "", startedAt: 0, endedAt: null, measures: {} };
  }

  begin(world: World, cluster: SimulatedCluster): void {
    this.#world = world;
    this.#look = new ClusterLook(world.clock, cluster, servedBy);
    this.#startedAt = world.clock.wallTime() - Math.round(world.clock.now());
    this.#view = { ...this.#view, startedAt: this.#startedAt };
    this.#take(recordedHello(servedBy));
    this.#tell(servedBy, { type: "drillStarted", drill: this.#title });
    this.#enter("load and faults");
    this.#tellFaults();
    world.onStep(() => {
      if (!cluster.faulty && this.#view.phase === "load and faults") this.#enter("healing and checks");
      this.#step();
    });
  }

  strike(fault: Fault, names: readonly string[]): () => void {
    const { id: name, type, targets: _, atMs: __, durationMs, ...parameters } = fault;
    const kind = name ?? type;
    const target = names.join(" ");
    const id = `${kind}-${++this.#struck}`;
    const injectedAt = this.#wallTime;
    const view = { id, target, kind, parameters, injectedAt, endsAt: injectedAt + durationMs, struck: null };
    this.#faults.set(id, view);
    this.#tell(servedBy, { type: "faultInjected", fault: id, target, kind, parameters, durationMs });
    this.#tellFaults();
    return () => {
      this.#faults.delete(id);
      const lastedMs = this.#wallTime - injectedAt;
      this.#tell(servedBy, {
        type: "faultRemoved",
        fault: id,
        target,
        kind,
        reason: "expired",
        lastedMs,
        struck: null,
      });
      this.#tellFaults();
    };
  }

  finish({ violation, operations, steps, virtualMs, traceHash }: RunResult): LiveRecording {
    const verdict = violation === undefined ? "passed" : "failed";
    const reason = violation === undefined ? "" : `${violation.invariant}: ${violation.detail}`;
    this.#tell(servedBy, {
      type: "drillEnded",
      drill: this.#title,
      verdict,
      reason,
      durationMs: Math.round(virtualMs),
    });
    const measures = { operations, steps, traceHash, violation: violation?.invariant ?? null };
    this.#setView({ verdict, endedAt: this.#wallTime, measures });
    // The cluster ends with its world: how it was just before has been kept.
    this.#flush();
    return this.#recorder.finish({
      title: this.#title,
      startedAt: this.#startedAt,
      durationMs: virtualMs,
      command: this.#command,
    });
  }

  /** After everything that happens: tells what is new. */
  #step(): void {
    for (const { name, fact } of this.#look?.news() ?? []) {
      this.#tell(name, fact);
      this.#nextMs = 0;
    }
    this.#flush();
    const nowMs = this.#nowMs;
    if (nowMs < this.#nextMs || this.#look === undefined) return;
    this.#nextMs = nowMs + everyMs;
    this.#take({ type: "cluster", cluster: this.#look.view() });
  }

  #flush(): void {
    if (this.#told.length > 0) this.#take({ type: "events", events: this.#told.splice(0) });
  }

  #enter(phase: string): void {
    this.#tell(servedBy, { type: "drillPhaseBegan", drill: this.#title, phase });
    this.#setView({ phase });
  }

  #setView(part: Partial<DrillView>): void {
    this.#view = { ...this.#view, ...part };
    this.#take({ type: "drills", drills: [this.#view] });
  }

  #tell(nodeId: string, fact: TelemetryFact): void {
    const seq = (this.#seqs.get(nodeId) ?? 0) + 1;
    this.#seqs.set(nodeId, seq);
    const event = { ...fact, at: this.#wallTime, nodeId, seq } as IdentifiedEvent["event"];
    this.#told.push({ id: `${nodeId}:${this.#run}-${seq}`, event });
  }

  #tellFaults(): void {
    this.#take({ type: "faults", faults: [...this.#faults.values()], targets: [] });
  }

  #take(message: LiveMessage): void {
    this.#recorder.take(this.#nowMs, message);
  }

  get #nowMs(): number {
    return this.#world?.clock.now() ?? 0;
  }

  get #wallTime(): number {
    return this.#world?.clock.wallTime() ?? 0;
  }
}
