import type {
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Health, HealthView } from "../../telemetry/index.ts";
import {
  decodeService,
  decodeStatus,
  decodeStatuses,
  encodeService,
  encodeStatus,
  encodeStatuses,
  type ServingStatus,
} from "./health-messages.ts";

export interface HealthServiceOptions {
  /**
   * The services that may be asked for beside `""`, and the components without which each does not serve. Default: every
   * component by its own name.
   */
  readonly services?: Readonly<Record<string, readonly string[]>>;
}

/** What `@grpc/grpc-js`'s `server.addService` takes. */
export interface HealthService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Ends every watch: a server that shuts down gracefully waits for them. Idempotent. */
  close(): void;
}

/** As objects: an empty text counts as no message in `@grpc/grpc-js`. */
interface HealthCheckRequest {
  readonly service: string;
}

interface HealthCheckResponse {
  readonly status: ServingStatus;
}

/** As plain objects: what `@grpc/grpc-js`'s own tools make of the protocol's map. */
interface HealthListResponse {
  readonly statuses: Readonly<Record<string, HealthCheckResponse>>;
}

type WatchCall = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** `@grpc/grpc-js` itself is not loaded here. */
const codes = { NOT_FOUND: 5, RESOURCE_EXHAUSTED: 8, UNAVAILABLE: 14 } as const;
const maxWatches = 1_000;
/** More than so many services are not listed: the protocol allows that. */
const maxListed = 1_000;

const messages = {
  requestSerialize: ({ service }: HealthCheckRequest) => encodeService(service),
  requestDeserialize: (bytes: Buffer) => ({ service: orThrow(decodeService(bytes)) }),
  responseSerialize: ({ status }: HealthCheckResponse) => encodeStatus(status),
  responseDeserialize: (bytes: Buffer) => ({ status: orThrow(decodeStatus(bytes)) }),
};

const listMessages = {
  requestSerialize: () => Buffer.alloc(0),
  requestDeserialize: () => ({}),
  responseSerialize: ({ statuses }: HealthListResponse) =>
    encodeStatuses(new Map(Object.entries(statuses).map(([service, { status }]) => [service, status]))),
  responseDeserialize: (bytes: Buffer): HealthListResponse => ({
    statuses: Object.fromEntries(
      Array.from(orThrow(decodeStatuses(bytes)), ([service, status]) => [service, { status }]),
    ),
  }),
};

const definition = {
  Check: { path: "/grpc.health.v1.Health/Check", requestStream: false, responseStream: false, ...messages },
  List: { path: "/grpc.health.v1.Health/List", requestStream: false, responseStream: false, ...listMessages },
  Watch: { path: "/grpc.health.v1.Health/Watch", requestStream: false, responseStream: true, ...messages },
} satisfies ServiceDefinition;

/**
 * gRPC's health protocol (`grpc.health.v1.Health`: Check, List and Watch) for a server of `@grpc/grpc-js`. `""` serves while the
 * service is ready; any other while it neither drains nor has failed, and none of its components is unhealthy or unknown.
 *
 * @throws InvalidArgumentError for what is no health, and options that break their rules
 * @example
 * const service = healthService(health, { services: { "shop.Orders": ["database"] } });
 * server.addService(service.definition, service.implementation);
 */
export function healthService(health: Health, options: HealthServiceOptions = {}): HealthService {
  const services = checkServices(health, options);
  const watches = new Set<Watch>();
  // One listener for all watches, however many there are.
  let unsubscribe: (() => void) | undefined;
  const statusOf = (service: string): ServingStatus => {
    if (service === "") return health.isReady ? "SERVING" : "NOT_SERVING";
    const view = health.view();
    return servingStatus(view, new Map(view.components.map(({ name, state }) => [name, state])), services, service);
  };

  function check(
    { request }: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
    done: sendUnaryData<HealthCheckResponse>,
  ): void {
    const status = statusOf(request.service);
    if (status === "SERVICE_UNKNOWN") done(failure(codes.NOT_FOUND, "unknown service"), null);
    else done(null, { status });
  }

  function list(_call: ServerUnaryCall<object, HealthListResponse>, done: sendUnaryData<HealthListResponse>): void {
    const view = health.view();
    const names = services === undefined ? view.components.map(({ name }) => name) : [...services.keys()];
    if (names.length > maxListed) return done(failure(codes.RESOURCE_EXHAUSTED, "too many services to list"), null);
    const states = new Map(view.components.map(({ name, state }) => [name, state]));
    const own = names.map((name) => [name, { status: servingStatus(view, states, services, name) }] as const);
    done(null, { statuses: { "": { status: statusOf("") }, ...Object.fromEntries(own) } });
  }

  function watch(call: WatchCall): void {
    if (watches.size >= maxWatches) return end(call, codes.RESOURCE_EXHAUSTED, "too many watches");
    if (call.cancelled) return;
    const own = new Watch(call, () => statusOf(call.request.service));
    watches.add(own);
    unsubscribe ??= health.subscribe(() => {
      for (const each of watches) each.tell();
    });
    const over = (): void => {
      watches.delete(own);
      if (watches.size > 0) return;
      unsubscribe?.();
      unsubscribe = undefined;
    };
    call.once("cancelled", over);
    call.once("close", over);
    call.on("error", over);
    own.tell();
  }

  return {
    definition,
    implementation: { Check: check, List: list, Watch: watch },
    close() {
      for (const { call } of watches) end(call, codes.UNAVAILABLE, "the server stops");
    },
  };
}

/** Tells one client every change; what changed while it did not read, it hears in one. */
class Watch {
  readonly call: WatchCall;
  readonly #status: () => ServingStatus;
  #told: ServingStatus | undefined;
  #isFull = false;

  constructor(call: WatchCall, status: () => ServingStatus) {
    this.call = call;
    this.#status = status;
  }

  tell(): void {
    const status = this.#status();
    if (this.#isFull || status === this.#told) return;
    this.#told = status;
    if (this.call.write({ status })) return;
    this.#isFull = true;
    this.call.once("drain", () => {
      this.#isFull = false;
      this.tell();
    });
  }
}

type Services = ReadonlyMap<string, readonly string[]> | undefined;

function servingStatus(
  { isLive, isDraining }: HealthView,
  states: ReadonlyMap<string, string>,
  services: Services,
  service: string,
): ServingStatus {
  const needed = services === undefined ? (states.has(service) ? [service] : undefined) : services.get(service);
  if (needed === undefined) return "SERVICE_UNKNOWN";
  const serves = needed.every((name) => ["healthy", "degraded"].includes(states.get(name) ?? "unknown"));
  return serves && isLive && !isDraining ? "SERVING" : "NOT_SERVING";
}

function checkServices(health: Health, options: HealthServiceOptions): Services {
  checkOptionNames("healthService", options, ["services"]);
  if (typeof health?.view !== "function") {
    throw new InvalidArgumentError("healthService", "must be given what createHealth gives", health);
  }
  if (options.services === undefined) return undefined;
  const services = Object.entries(options.services);
  for (const [service, components] of services) {
    const isList = Array.isArray(components) && components.every((name) => typeof name === "string" && name !== "");
    if (isList && service !== "") continue;
    const rule = service === "" ? 'must not have "", which is readiness' : "must be a list of components";
    throw new InvalidArgumentError(`healthService.services${service && `.${service}`}`, rule, components);
  }
  return new Map(services);
}

function end(call: WatchCall, code: number, details: string): void {
  call.emit("error", failure(code, details));
}

function failure(code: number, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}

function orThrow<T>(message: T | undefined): T {
  if (message === undefined) throw new Error("the message cannot be read");
  return message;
}
