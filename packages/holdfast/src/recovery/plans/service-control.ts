/** How a service is. */
export interface ServiceStatus {
  /** `ready`: it runs and says that it is ready, or runs where nothing more is asked of it. */
  readonly state: "ready" | "starting" | "stopping" | "stopped" | "failed";
  /** Tells one life of it from the next; undefined while there is none. */
  readonly instance?: string;
  /** For people. */
  readonly detail?: string;
}

export interface RestartRequest {
  /** Gives up waiting; a restart that has begun may go on. */
  readonly signal?: AbortSignal;
  /** The same for a restart that is asked for again: it is not done twice where that can be known. */
  readonly idempotencyKey?: string;
  readonly fencingToken?: number;
}

/** Whoever runs services: a supervisor of this process, systemd, Kubernetes. */
export interface ServiceControl {
  /** What is wrong with a name, or undefined; without it, any may be asked for. */
  refuses?(service: string): string | undefined;
  /** Ends a service and begins it anew, and resolves with its new life when that is ready. */
  restart(service: string, request?: RestartRequest): Promise<ServiceStatus>;
  status(service: string, options?: { readonly signal?: AbortSignal }): Promise<ServiceStatus>;
}
