import { checkNumber, InvalidArgumentError, checkOneOf } from "../../errors/base.ts";
import type { FaultOrder, FaultParameters } from "../../proof/index.ts";
import { seededRandom, type Address, type Clock, type Timer } from "../../runtime/index.ts";
import { systemClock } from "../../runtime/system.ts";
import type { ActiveFault } from "./active-fault.ts";
import { checkFault, mockFaultKinds } from "./check-fault.ts";
import { ControlDesk } from "./control-desk.ts";
import { Exchange } from "./exchange.ts";
import { FaultSet } from "./fault-set.ts";
import { HttpListener } from "./http-listener.ts";
import type { MockFault, MockFaultHandle, MockFaultKind, MockFaultState } from "./mock-fault.ts";
import { checkMockOptions, type MockConfiguration, type MockServiceOptions } from "./mock-options.ts";
import type { MockRoute } from "./mock-route.ts";
import type { MockRouteHandle, MockService, ReceivedRequests } from "./mock-service.ts";
import { compileMatcher, type RequestMatcher } from "./request-filter.ts";
import { RequestJournal } from "./request-journal.ts";
import { RouteTable, type MockRouteInfo } from "./route-table.ts";

/**
 * Starts an HTTP service for tests and drills, with routes that are said in words, faults that strike them, and a journal of
 * what came in.
 *
 * @throws InvalidArgumentError on an option that breaks its rule; Error with Node's `code` (`EADDRINUSE`, …)
 * @example
 * await using users = await mockService({
 *   routes: [
 *     { path: "/health", answer: { json: { status: "UP" } } },
 *     { path: "/users", resource: { items: [{ id: 1, name: "Ada" }] } },
 *   ],
 * });
 * const outage = await users.fault({ kind: "status", status: 503, times: 2 });
 * await getUser(users.url, 1);
 * console.log(await outage.remove(), users.received({ path: "/users/:id" }).count); // 2 3
 */
export async function mockService(options: MockServiceOptions = {}): Promise<MockService> {
  const service = new RunningService(options);
  await service.start();
  return service;
}

interface ReadFault {
  readonly id: string | undefined;
  readonly kind: MockFaultKind;
  readonly parameters: FaultParameters;
  readonly durationMs: number | undefined;
}

const maxDurationMs = 86_400_000;
const relistenMs = 500;

class RunningService implements MockService {
  readonly name: string;
  readonly seed: number;
  readonly kinds: readonly MockFaultKind[] = mockFaultKinds;
  readonly journal: RequestJournal;
  readonly #start: Required<MockConfiguration>;
  readonly #clock: Clock;
  readonly #table: RouteTable;
  readonly #faults: FaultSet;
  readonly #listener: HttpListener;
  readonly #timers = new Set<Timer>();
  #closing: Promise<void> | undefined;

  constructor(options: MockServiceOptions) {
    const checked = checkMockOptions(options);
    const { control, maxBodyBytes, maxHeaderBytes, maxConnections, listen } = checked;
    this.name = checked.name;
    this.seed = checked.seed;
    this.#clock = options.clock ?? systemClock;
    this.#start = { routes: options.routes ?? [], faults: options.faults ?? [] };
    this.journal = new RequestJournal(this.#clock, options.journal ?? {});
    this.#table = new RouteTable(checked.maxRoutes);
    this.#faults = new FaultSet(seededRandom(this.seed), checked.maxFaults);
    const desk = control === undefined ? undefined : new ControlDesk(this, { ...control, maxBodyBytes });
    const context = {
      table: this.#table,
      faults: this.#faults,
      journal: this.journal,
      clock: this.#clock,
      maxBodyBytes,
      isClosed: () => this.#closing !== undefined,
    };
    this.#listener = new HttpListener({
      listen,
      faults: this.#faults,
      maxHeaderBytes,
      maxConnections,
      onRequest: (request, response) => {
        if (desk?.isFor(request) === true) {
          this.#listener.spare(request.socket);
          void desk.serve(request, response);
        } else void new Exchange(context, request, response).serve();
      },
    });
  }

  get address(): Address {
    return this.#listener.address;
  }

  get url(): string {
    const { host, port } = this.address;
    return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  get routes(): readonly MockRouteInfo[] {
    return this.#table.routes;
  }

  get faults(): readonly MockFaultState[] {
    return this.#faults.present.map(({ state }) => state);
  }

  get counts(): MockService["counts"] {
    return this.#faults.counts;
  }

  async start(): Promise<void> {
    this.#configure("mockService", this.#start);
    try {
      await this.#listener.settle();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  route(route: MockRoute): MockRouteHandle {
    const name = this.#table.add("route", route);
    let isThere = true;
    const remove = (): void => {
      if (isThere) this.#table.remove(name);
      isThere = false;
    };
    return { name, remove, [Symbol.dispose]: remove };
  }

  removeRoute(name: string): boolean {
    return this.#table.remove(name);
  }

  async fault(fault: MockFault): Promise<MockFaultHandle> {
    if (this.#closing !== undefined)
      throw new InvalidArgumentError("fault", "must begin before the service is closed", fault);
    const active = this.#begin(
      "fault",
      this.#readFault(
        "fault",
        fault,
        this.#table.routes.map(({ name }) => name),
      ),
    );
    try {
      await this.#listener.settle();
    } catch (error) {
      this.#faults.remove("service", active.id);
      throw error;
    }
    const { id, kind, parameters } = active;
    const remove = async (): Promise<number> => {
      // Its id may be another's by now.
      if (this.#faults.find("service", id) === active) await this.removeFault(id);
      return active.struck;
    };
    return {
      id,
      kind,
      parameters,
      get struck() {
        return active.struck;
      },
      remove,
      [Symbol.asyncDispose]: async () => void (await remove()),
    };
  }

  /** Whether there was one. */
  async removeFault(id: string): Promise<boolean> {
    const isRemoved = this.#faults.remove("service", id);
    await this.#listener.settle();
    return isRemoved;
  }

  async configure(configuration: MockConfiguration): Promise<void> {
    this.#configure("configuration", configuration);
    await this.#listener.settle();
  }

  received(matcher: RequestMatcher = {}): ReceivedRequests {
    const requests = this.journal.entries.filter(compileMatcher("received", matcher));
    return { count: requests.length, requests };
  }

  async reset(): Promise<void> {
    this.#configure("mockService", this.#start);
    this.journal.clear();
    await this.#listener.settle();
  }

  optedIn(): boolean {
    return this.#closing === undefined;
  }

  check(kind: string, parameters: FaultParameters): FaultParameters {
    const checked = checkFault("parameters", checkOneOf("fault.kind", kind, mockFaultKinds), parameters);
    this.#checkRoute(
      "parameters",
      checked,
      this.#table.routes.map(({ name }) => name),
    );
    return checked;
  }

  async inject({ id, kind, parameters }: FaultOrder): Promise<void> {
    this.#faults.add("fault", "registry", { id, kind: kind as MockFaultKind, parameters });
    await this.#listener.settle();
  }

  async remove({ id }: FaultOrder): Promise<void> {
    this.#faults.remove("registry", id);
    await this.#listener.settle();
  }

  struck(id: string): number | undefined {
    return this.#faults.struck("registry", id);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#listener.close();
  }

  #configure(at: string, { routes, faults, ...unknown }: MockConfiguration): void {
    const [extra] = Object.keys(unknown);
    if (extra !== undefined)
      throw new InvalidArgumentError(`${at}.${extra}`, "is no option; there are routes, faults", {});
    const next = routes === undefined ? undefined : this.#table.prepare(`${at}.routes`, routes);
    const names = next?.names ?? this.#table.routes.map(({ name }) => name);
    if (faults !== undefined && !Array.isArray(faults)) {
      throw new InvalidArgumentError(`${at}.faults`, "must be a list", faults);
    }
    const read = faults?.map((fault, index) => this.#readFault(`${at}.faults[${index}]`, fault, names));
    const ids = new Set<string>();
    for (const [index, { id }] of (read ?? []).entries()) {
      if (id !== undefined && ids.has(id))
        throw new InvalidArgumentError(`${at}.faults[${index}].id`, "must be unique", id);
      if (id !== undefined) ids.add(id);
    }
    // From here on nothing is refused.
    next?.commit();
    if (read === undefined) return;
    this.#faults.removeOwn();
    for (const [index, fault] of read.entries()) this.#begin(`${at}.faults[${index}]`, fault);
  }

  #readFault(at: string, fault: MockFault, routes: readonly string[]): ReadFault {
    if (typeof fault !== "object" || fault === null) throw new InvalidArgumentError(at, "must be an object", fault);
    const { kind, id, durationMs, ...parameters } = fault;
    checkOneOf(`${at}.kind`, kind, mockFaultKinds);
    if (id !== undefined && (typeof id !== "string" || !/^[\w.-]{1,64}$/.test(id))) {
      throw new InvalidArgumentError(`${at}.id`, "must be 1 to 64 letters, digits, _, . and -", id);
    }
    if (durationMs !== undefined) checkNumber(`${at}.durationMs`, durationMs, 1, maxDurationMs);
    const checked = checkFault(at, kind, parameters);
    this.#checkRoute(at, checked, routes);
    return { id, kind, parameters: checked, durationMs };
  }

  #checkRoute(at: string, { route }: FaultParameters, routes: readonly string[]): void {
    if (route === undefined || routes.includes(String(route))) return;
    throw new InvalidArgumentError(
      `${at}.route`,
      `must be one of ${routes.join(", ") || "the routes, of which there are none"}`,
      route,
    );
  }

  #begin(at: string, read: ReadFault): ActiveFault {
    const fault = this.#faults.add(at, "service", read);
    if (read.durationMs !== undefined) {
      const cancel = this.#later(read.durationMs, () => this.#expire(fault));
      fault.ended.addEventListener("abort", cancel, { once: true });
    }
    return fault;
  }

  async #expire(fault: ActiveFault): Promise<void> {
    if (this.#closing !== undefined) return;
    if (this.#faults.find("service", fault.id) === fault) this.#faults.remove("service", fault.id);
    try {
      await this.#listener.settle();
    } catch {
      // Somebody else has the port meanwhile.
      this.#later(relistenMs, () => this.#expire(fault));
    }
  }

  #later(delayMs: number, work: () => Promise<void>): () => void {
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      void work();
    });
    this.#timers.add(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
  }
}
