import { HoldfastError } from "holdfast/errors/base";
import type { FaultParameters, FaultRegistry, LiveFault, LiveFaultRequest } from "holdfast/proof";
import type { ClusterView, FaultKindView, FaultTargetView, FaultView } from "holdfast/telemetry";
import { Problem } from "./problem.ts";

/** What can be struck, for the page, and what it takes from the cluster. */
export interface DeskTarget {
  readonly name: string;
  readonly label: string;
  /** The members that a fault here may take out of service. */
  readonly members: readonly string[];
  readonly kinds: readonly DeskKind[];
}

export interface DeskKind extends FaultKindView {
  /** Whether its members do not take part while it lasts, or with which parameters. */
  readonly isOutage: boolean | ((parameters: FaultParameters) => boolean);
}

export interface FaultDeskOptions {
  readonly registry: FaultRegistry;
  /** Those that are there now. */
  readonly targets: () => readonly DeskTarget[];
  /** How things are now: nothing more is taken away than the cluster can do without. */
  readonly cluster: () => Promise<ClusterView>;
}

/** Live faults as the dashboard shows and orders them. */
export interface FaultDesk {
  faults(): readonly FaultView[];
  targets(): readonly FaultTargetView[];
  /** @throws Problem */
  inject(request: unknown): Promise<FaultView>;
  /** @throws Problem */
  remove(id: string): Promise<FaultView>;
  heal(): Promise<{ readonly removed: number; readonly stuck: number }>;
  onChange(listener: () => void): void;
}

const statuses: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  NOT_OPTED_IN: 403,
  UNKNOWN_TARGET: 404,
  UNKNOWN_FAULT: 404,
  FAULT_EXISTS: 409,
  TOO_MANY_FAULTS: 429,
  FAULT_STUCK: 503,
  REGISTRY_CLOSED: 503,
};

/** Every fault injected here goes through the registry, which ends it, and is refused where it would cost the quorum. */
export function faultDesk({ registry, targets, cluster }: FaultDeskOptions): FaultDesk {
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };

  /** The members that these faults take out of service. */
  function outage(faults: readonly Pick<LiveFault, "target" | "kind" | "parameters">[]): readonly string[] {
    return faults.flatMap(({ target: name, kind, parameters }) => {
      const target = targets().find((one) => one.name === name);
      const { isOutage = false } = target?.kinds.find((one) => one.kind === kind) ?? {};
      const takesOut = typeof isOutage === "boolean" ? isOutage : isOutage(parameters);
      return takesOut && target !== undefined ? target.members : [];
    });
  }

  async function checkQuorum(request: LiveFaultRequest, parameters: FaultParameters): Promise<void> {
    const struck = outage([{ ...request, parameters }]);
    if (struck.length === 0) return;
    const { members, quorum } = await cluster();
    const gone = new Set([...outage(registry.faults), ...struck]);
    const left = members.filter(
      ({ name, isLearner, liveness }) => !isLearner && liveness === "answers" && !gone.has(name),
    ).length;
    if (left >= quorum.needed) return;
    throw new Problem(
      409,
      `${struck.join(", ")} out of service leaves ${left} of the ${quorum.needed} voters that a majority needs; force it to do so all the same`,
    );
  }

  /** One after the other: of two that come at once, the second one counts what the first one takes. */
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work, work);
    last = done.catch(() => undefined);
    return done;
  }

  return {
    faults: () => registry.faults.filter(({ state }) => state !== "removed").map(faultView),
    targets: () => targets().map(({ kinds, ...target }) => ({ ...target, kinds: kinds.map(withoutOutage) })),
    async inject(request) {
      const { force, ...fault } = readRequest(request);
      return await asProblems(async () => {
        const parameters = registry.check(fault);
        const begun = await inTurn(async () => {
          if (!force) await checkQuorum(fault, parameters);
          return await registry.inject(fault);
        });
        void registry.whenRemoved(begun.id).then(tell, tell);
        tell();
        return faultView(begun);
      });
    },
    async remove(id) {
      return await asProblems(async () => faultView(await registry.remove(id)));
    },
    async heal() {
      const { removed, stuck } = await registry.healAll();
      tell();
      return { removed: removed.length, stuck: stuck.length };
    },
    onChange: (listener) => void listeners.add(listener),
  };
}

function faultView({ id, target, kind, parameters, startedAt, durationMs, struck }: LiveFault): FaultView {
  return { id, target, kind, parameters, injectedAt: startedAt, endsAt: startedAt + durationMs, struck };
}

function withoutOutage({ kind, label, parameters }: DeskKind): FaultKindView {
  return { kind, label, parameters };
}

function readRequest(request: unknown): LiveFaultRequest & { readonly force: boolean } {
  if (typeof request !== "object" || request === null || Array.isArray(request)) {
    throw new Problem(400, "the body must be an object: target, kind, parameters, durationMs");
  }
  const { force = false, ...fault } = request as Record<string, unknown>;
  if (typeof force !== "boolean") throw new Problem(400, "force must be true or false");
  for (const name of ["target", "kind"]) {
    if (typeof fault[name] !== "string") throw new Problem(400, `${name} must be text`);
  }
  return { ...(fault as unknown as LiveFaultRequest), force };
}

async function asProblems<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem || !HoldfastError.is(error)) throw error;
    throw new Problem(statuses[error.code] ?? 500, error.message);
  }
}
