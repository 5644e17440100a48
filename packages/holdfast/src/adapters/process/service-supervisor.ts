import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { RestartRequest, ServiceControl, ServiceStatus } from "../../recovery/index.ts";
import { LeftBehind } from "./left-behind.ts";
import { checkDefinition, type ServiceDefinition } from "./service-definition.ts";
import type { ServiceExit } from "./service-life.ts";
import { SupervisedService, type ServiceEvent } from "./supervised-service.ts";

export interface ServiceSupervisorOptions {
  /** By name: 1 to 64 letters, digits, `_`, `.` and `-`. */
  readonly services: Readonly<Record<string, ServiceDefinition>>;
  /**
   * Where it notes which processes run. A supervisor that is killed leaves them running; the next one with this directory
   * ends them before it starts its own. Linux. Default: nothing is noted.
   */
  readonly stateDirectory?: string;
  readonly onEvent?: (event: ServiceEvent) => void;
}

interface Waiting {
  readonly signal?: AbortSignal;
}

/** Runs services as child processes, and starts again what ends. */
export interface ServiceSupervisor extends ServiceControl, AsyncDisposable {
  readonly names: readonly string[];
  refuses(service: string): string | undefined;
  /** Resolves when it is ready; all of them without a name. @throws StepFailure when one does not get ready */
  start(service?: string, options?: Waiting): Promise<void>;
  /** Resolves when nothing of it runs; all of them without a name. */
  stop(service?: string, options?: Waiting): Promise<void>;
  pid(service: string): number | undefined;
  /** The end of what it has written. */
  logs(service: string): string;
  /** Its last 20 ends, the oldest first. */
  exits(service: string): readonly ServiceExit[];
  /** Stops all of them, for good. */
  close(): Promise<void>;
}

/**
 * A supervisor of child processes: readiness, restarts with growing waits, an end to everything that a service has started,
 * bounded logs. Nothing runs until `start` or `restart`. Linux and macOS.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const services = createServiceSupervisor({
 *   services: { api: { command: ["node", "api.js"], ready: { http: "http://127.0.0.1:8080/health" } } },
 * });
 * await services.start();
 */
export function createServiceSupervisor(options: ServiceSupervisorOptions): ServiceSupervisor {
  checkOptionNames("serviceSupervisor", options, ["services", "stateDirectory", "onEvent"]);
  const { services, stateDirectory, onEvent } = options;
  checkFunction("serviceSupervisor.onEvent", onEvent);
  if (typeof services !== "object" || services === null || Array.isArray(services)) {
    throw new InvalidArgumentError("serviceSupervisor.services", "must be services by name", services);
  }
  const left = stateDirectory === undefined ? undefined : new LeftBehind(stateDirectory);
  const tell = (event: ServiceEvent): void => onEvent?.(event);
  const table = new Map<string, SupervisedService>();
  for (const [name, definition] of Object.entries(services)) {
    if (!/^[\w.-]{1,64}$/.test(name)) {
      const rule = "must have names of 1 to 64 letters, digits, _, . and -";
      throw new InvalidArgumentError("serviceSupervisor.services", rule, name);
    }
    const settings = checkDefinition(`serviceSupervisor.services.${name}`, definition);
    table.set(name, new SupervisedService({ name, settings, left, tell }));
  }
  return new Supervisor(table);
}

class Supervisor implements ServiceSupervisor {
  readonly #services: ReadonlyMap<string, SupervisedService>;

  constructor(services: ReadonlyMap<string, SupervisedService>) {
    this.#services = services;
  }

  get names(): readonly string[] {
    return [...this.#services.keys()];
  }

  refuses(service: string): string | undefined {
    return this.#services.has(service) ? undefined : `must be one of ${this.names.join(", ") || "none"}`;
  }

  async start(service?: string, { signal }: Waiting = {}): Promise<void> {
    await this.#each(service, (each) => each.start(signal));
  }

  async stop(service?: string, { signal }: Waiting = {}): Promise<void> {
    await this.#each(service, (each) => each.stop(signal));
  }

  async restart(service: string, request: RestartRequest = {}): Promise<ServiceStatus> {
    return await this.#find(service).restart(request);
  }

  async status(service: string): Promise<ServiceStatus> {
    return this.#find(service).status;
  }

  pid(service: string): number | undefined {
    return this.#find(service).pid;
  }

  logs(service: string): string {
    return this.#find(service).logs;
  }

  exits(service: string): readonly ServiceExit[] {
    return this.#find(service).exits;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#services.values()].map((service) => service.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #each(name: string | undefined, work: (service: SupervisedService) => Promise<unknown>): Promise<void> {
    const chosen = name === undefined ? [...this.#services.values()] : [this.#find(name)];
    const ends = await Promise.allSettled(chosen.map(work));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  #find(name: string): SupervisedService {
    const service = this.#services.get(name);
    if (service === undefined) {
      throw new InvalidArgumentError("service", `must be one of ${this.names.join(", ") || "none"}`, name);
    }
    return service;
  }
}
