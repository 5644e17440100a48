import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { defaultPlanPrefix } from "./execution-keys.ts";
import type { ServiceControl, ServiceStatus } from "./service-control.ts";
import type { StepExecutor } from "./step-executor.ts";
import { StepFailure } from "./step-failure.ts";
import { StepMark, type MarkStore } from "./step-mark.ts";
import { withinLimit } from "./time-limit.ts";

export interface ServiceRestartOptions {
  readonly services: ServiceControl;
  /** Where it is remembered which life of a service was to be ended. */
  readonly coordination: MarkStore;
  /** As the orchestrator's. Default `recovery/`. */
  readonly prefix?: string;
  /** Default `service-restart`; another one where an orchestrator restarts services of several kinds. */
  readonly type?: string;
  readonly clock?: Clock;
}

const lookEveryMs = 250;

/** Put down before anything is done: the life that must not go on, null where there was none. */
interface Mark {
  readonly before: string | null;
}

/**
 * Steps of the type `service-restart`: `service` is ended and begun anew, and must be ready. A step that a crash has
 * interrupted finds out by the service's life whether that was done, and does not do it twice. Nothing is undone.
 *
 * @example
 * serviceRestart({ services: createServiceSupervisor({ services: { api: { command: ["node", "api.js"] } } }), coordination });
 */
export function serviceRestart(options: ServiceRestartOptions): StepExecutor {
  checkOptionNames("serviceRestart", options, ["services", "coordination", "prefix", "type", "clock"]);
  const { services, coordination, prefix = defaultPlanPrefix, type = "service-restart", clock = systemClock } = options;
  for (const method of ["restart", "status"] as const) {
    if (checkFunction(`serviceRestart.services.${method}`, services?.[method]) === undefined) {
      throw new InvalidArgumentError("serviceRestart.services", "must be a ServiceControl", services);
    }
  }
  return {
    type,
    parameters: {
      service: { type: "text", required: true, check: (name) => services.refuses?.(name as string) },
      within: { type: "duration" },
    },
    outputs: ["service", "instance", "previous"],
    changes: false,
    errorKind: "service",
    run: (context) =>
      withinLimit(context, clock, async (signal) => {
        const { parameters, idempotencyKey, fencingToken } = context;
        const service = parameters["service"] as string;
        const mark = new StepMark<Mark>(coordination, prefix, { ...context, signal });
        const seen = await mark.read();
        let now = await services.status(service, { signal });
        const before = seen === undefined ? (now.instance ?? null) : seen.before;
        if (seen === undefined && !(await mark.write({ before }))) {
          throw new StepFailure("service", "another orchestrator has begun to restart it");
        }
        const isNew = ({ instance }: ServiceStatus): boolean =>
          seen !== undefined && instance !== undefined && instance !== before;
        // Its new life has begun already: no third one while nobody knows how this one gets on.
        while (isNew(now) && now.state === "starting") {
          await clock.sleep(lookEveryMs, { signal });
          now = await services.status(service, { signal });
        }
        const ended =
          isNew(now) && now.state === "ready"
            ? now
            : await services.restart(service, { signal, idempotencyKey, fencingToken });
        checkReady(ended);
        return { service, instance: ended.instance ?? null, previous: before };
      }),
  };
}

function checkReady({ state, detail }: ServiceStatus): void {
  if (state === "ready") return;
  throw new StepFailure("service", `it is ${state}${detail === undefined ? "" : `: ${detail}`}`);
}
