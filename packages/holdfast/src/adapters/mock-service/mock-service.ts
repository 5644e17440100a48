import type { LiveTarget } from "../../proof/index.ts";
import type { Address } from "../../runtime/index.ts";
import type { JournaledRequest } from "./journaled-request.ts";
import type { MockFault, MockFaultHandle, MockFaultKind, MockFaultState } from "./mock-fault.ts";
import type { MockConfiguration } from "./mock-options.ts";
import type { MockRoute } from "./mock-route.ts";
import type { RequestMatcher } from "./request-filter.ts";
import type { MockJournal } from "./request-journal.ts";
import type { MockRouteInfo } from "./route-table.ts";

/** A route that can be taken away again. */
export interface MockRouteHandle extends Disposable {
  readonly name: string;
  /** Idempotent. */
  remove(): void;
}

/** A service that is only there for those who call it: a target for the registry of live faults. */
export interface MockService extends LiveTarget, AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly address: Address;
  /** What its faults are drawn from. */
  readonly seed: number;
  readonly kinds: readonly MockFaultKind[];
  readonly routes: readonly MockRouteInfo[];
  /** All that go on, also those of a registry, oldest first. */
  readonly faults: readonly MockFaultState[];
  /** How often faults have had an effect, by kind, since the service began. */
  readonly counts: Readonly<Partial<Record<MockFaultKind, number>>>;
  readonly journal: MockJournal;
  /**
   * Adds a route; it holds for the next request. Of two that are equally specific, the newer one answers.
   *
   * @throws InvalidArgumentError: `route.path must be a path that starts with / …`
   */
  route(route: MockRoute): MockRouteHandle;
  /** Begins a fault, and resolves when it is there. @throws InvalidArgumentError: `fault.ratio must be …` */
  fault(fault: MockFault): Promise<MockFaultHandle>;
  /**
   * Puts these in the place of all routes and of all faults of its own; what is left out stays as it is. Either all of it
   * holds, or nothing has changed.
   *
   * @throws InvalidArgumentError: `configuration.routes[1].path must be …`
   */
  configure(configuration: MockConfiguration): Promise<void>;
  /** What has come in and is meant. @throws InvalidArgumentError */
  received(matcher?: RequestMatcher): ReceivedRequests;
  /** Back to the routes, items and faults of the start, with an empty journal. */
  reset(): Promise<void>;
  /** Ends every connection, also those that hang. Idempotent. */
  close(): Promise<void>;
}

export interface ReceivedRequests {
  readonly count: number;
  /** Oldest first. */
  readonly requests: readonly JournaledRequest[];
}
