import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Coordination } from "../coordination.ts";
import { followRange } from "./follow-range.ts";
import type { KeyValue } from "../key-value/key-value.ts";
import type { ObserveOptions } from "../leases/leader-watch.ts";
import { giveBack } from "./lock.ts";
import { RecipeError } from "./recipe-error.ts";
import { mayPass, untilAnswered } from "./until-answered.ts";
import type { Session } from "./session.ts";
import { joinKey, prefixRange } from "./waiting-line.ts";

/** One process of a service, as it wants to be found. */
export interface ServiceInstance {
  /** Unlike those of all other instances of the service; without a slash. Default: of the session. */
  readonly id?: string;
  /** Where it is reached, in whatever form its callers understand. */
  readonly address: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An instance that is there: its process was heard of lately. */
export interface RegisteredInstance {
  readonly service: string;
  readonly id: string;
  readonly address: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** When it was registered, in revisions of the store: of two with one id the greater is the later. */
  readonly registeredAt: number;
}

/** Is in the registry until it is withdrawn, or its session is not heard of any more. */
export interface Registration extends AsyncDisposable {
  readonly service: string;
  readonly id: string;
  /** Tells another address or other metadata. @throws RecipeError SESSION_LOST, SESSION_CLOSED; CoordinationError */
  update(instance: Omit<ServiceInstance, "id">): Promise<void>;
  withdraw(): Promise<void>;
}

export interface ServiceRegistry {
  /** @throws RecipeError SESSION_LOST, SESSION_CLOSED; InvalidArgumentError; CoordinationError */
  register(session: Session, service: string, instance: ServiceInstance): Promise<Registration>;
  /** The instances of a service, by id. @throws CoordinationError */
  list(service: string): Promise<readonly RegisteredInstance[]>;
  /** The names of the services that have an instance. @throws CoordinationError */
  services(): Promise<readonly string[]>;
  /** The instances now, and all of them again after every change. @throws the signal's reason; CoordinationError */
  watch(service: string, options?: ObserveOptions): AsyncGenerator<readonly RegisteredInstance[], void, undefined>;
}

export interface RegistryOptions {
  /** What the keys of the registry begin with. Default `services/`. */
  readonly prefix?: string;
}

export const defaultRegistryOptions: Required<RegistryOptions> = { prefix: "services/" };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Which services there are and where: one key an instance, `<prefix><service>/<id>`, with its lease. What is written
 * there by others and is no instance is passed over.
 *
 * @example
 * const services = serviceRegistry(member);
 * await services.register(session, "payments", { address: "10.0.0.7:8080", metadata: { zone: "a" } });
 * for await (const instances of services.watch("payments")) balancer.update(instances);
 */
export function serviceRegistry(coordination: Coordination, options: RegistryOptions = {}): ServiceRegistry {
  checkOptionNames("registry", options, Object.keys(defaultRegistryOptions));
  const { prefix } = { ...defaultRegistryOptions, ...options };

  const rangeOf = (service: string): ReturnType<typeof prefixRange> =>
    prefixRange(encoder.encode(`${prefix}${checkName("service", service)}/`));

  return {
    async register(session, service, { id = session.uniqueName(), ...instance }) {
      const { key } = rangeOf(service);
      const own = joinKey(key, checkName("id", id));
      await publish(session, own, instance);
      const withdraw = (): Promise<void> => giveBack(session, own, 5_000);
      return {
        service,
        id,
        update: (changed) => publish(session, own, changed),
        withdraw,
        [Symbol.asyncDispose]: withdraw,
      };
    },
    async list(service) {
      const { pairs } = await coordination.range(rangeOf(service));
      return instancesOf(prefix, pairs);
    },
    async services() {
      const { pairs } = await coordination.range({ ...prefixRange(encoder.encode(prefix)), keysOnly: true });
      const names = pairs.flatMap((pair) => placeOf(prefix, pair)?.service ?? []);
      return [...new Set(names)];
    },
    async *watch(service, observeOptions) {
      const pairs = new Map<string, KeyValue>();
      for await (const step of followRange(coordination, rangeOf(service), observeOptions)) {
        if (step.type === "state") {
          pairs.clear();
          for (const pair of step.pairs) pairs.set(decoder.decode(pair.key), pair);
        } else {
          for (const { type, pair } of step.events) {
            if (type === "put") pairs.set(decoder.decode(pair.key), pair);
            else pairs.delete(decoder.decode(pair.key));
          }
        }
        const sorted = [...pairs].sort(([left], [right]) => (left < right ? -1 : 1));
        yield instancesOf(
          prefix,
          sorted.map(([, pair]) => pair),
        );
      }
    },
  };
}

/** A put says the same when it is repeated. */
async function publish(session: Session, key: Uint8Array, instance: Omit<ServiceInstance, "id">): Promise<void> {
  const { coordination, clock, random, signal, leaseId: lease } = session;
  const { address, metadata = {} } = instance;
  const value = encoder.encode(JSON.stringify({ address, metadata }));
  try {
    const deadline = clock.now() + 5_000;
    await untilAnswered({ clock, random, signal, deadline }, () => coordination.put({ key, value, lease }, { signal }));
  } catch (error) {
    if (mayPass(error) || signal.aborted || !isLeaseMissing(error)) throw error;
    throw new RecipeError("SESSION_LOST", { cause: error });
  }
}

function isLeaseMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === "LEASE_NOT_FOUND";
}

function checkName(name: string, value: string): string {
  if (value !== "" && !value.includes("/")) return value;
  throw new InvalidArgumentError(`registry.${name}`, "must not be empty, nor contain a slash", value);
}

function placeOf(prefix: string, { key }: KeyValue): { readonly service: string; readonly id: string } | undefined {
  const [service = "", id = "", ...more] = decoder.decode(key).slice(prefix.length).split("/");
  return service === "" || id === "" || more.length > 0 ? undefined : { service, id };
}

function instancesOf(prefix: string, pairs: readonly KeyValue[]): RegisteredInstance[] {
  return pairs.flatMap((pair) => {
    const place = placeOf(prefix, pair);
    const told = place && parse(decoder.decode(pair.value));
    return told === undefined ? [] : [{ ...place!, ...told, registeredAt: pair.createRevision }];
  });
}

function parse(text: string): Pick<RegisteredInstance, "address" | "metadata"> | undefined {
  try {
    const { address, metadata } = JSON.parse(text) as Partial<RegisteredInstance>;
    return typeof address === "string" && typeof metadata === "object" && metadata !== null
      ? { address, metadata }
      : undefined;
  } catch {
    return undefined;
  }
}
