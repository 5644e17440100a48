import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Address, Clock } from "../../runtime/index.ts";
import { systemRandom } from "../../runtime/system.ts";
import { isLoopback } from "./loopback.ts";
import type { MockFault } from "./mock-fault.ts";
import type { MockRoute } from "./mock-route.ts";
import type { JournalOptions } from "./request-journal.ts";

/** What can be replaced while a service runs. */
export interface MockConfiguration {
  /** Default none. */
  readonly routes?: readonly MockRoute[];
  /** Those that strike from the start. Default none. */
  readonly faults?: readonly MockFault[];
}

/** How a service is changed over HTTP. */
export interface MockControl {
  /** Asked of every request as `Authorization: Bearer …`; at least 8 letters. */
  readonly token: string;
  /** Below it there are no routes, no faults and no journal. Default `/_mock`. */
  readonly prefix?: string;
}

export interface MockServiceOptions extends MockConfiguration {
  /** What a registry's faults are aimed at: 1 to 64 letters, digits, `_`, `.` and `-`. Default `mock`. */
  readonly name?: string;
  /** Default a free port of 127.0.0.1. */
  readonly listen?: Address;
  /** Lets it listen at addresses that other machines reach. Default false. */
  readonly allowRemote?: boolean;
  /** What faults draw from: the same requests in the same order meet the same faults. Default one that is drawn. */
  readonly seed?: number;
  /** Default: it cannot be changed over HTTP. */
  readonly control?: MockControl;
  readonly journal?: JournalOptions;
  /** Of a request; more is refused with 413. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Of a request's headers; more is refused with 431. Default 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** At once; more are closed. Default 1 000. */
  readonly maxConnections?: number;
  /** Default 1 000. */
  readonly maxRoutes?: number;
  /** At once. Default 1 000. */
  readonly maxFaults?: number;
  /** Default Node's. */
  readonly clock?: Clock;
}

export const defaultMockServiceOptions: {
  readonly name: string;
  readonly listen: Address;
  readonly allowRemote: boolean;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  readonly maxRoutes: number;
  readonly maxFaults: number;
} = {
  name: "mock",
  listen: { host: "127.0.0.1", port: 0 },
  allowRemote: false,
  maxBodyBytes: 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 1_000,
  maxRoutes: 1_000,
  maxFaults: 1_000,
};

const names = [...Object.keys(defaultMockServiceOptions), "seed", "control", "journal", "clock", "routes", "faults"];
const twoTo32 = 2 ** 32;

type CheckedMockOptions = typeof defaultMockServiceOptions & {
  readonly seed: number;
  readonly control: CheckedControl | undefined;
};

export interface CheckedControl {
  readonly token: string;
  readonly prefix: string;
}

/** All but routes, faults and journal, which have their own places. @throws InvalidArgumentError */
export function checkMockOptions(options: MockServiceOptions): CheckedMockOptions {
  checkOptionNames("mockService", options, names);
  const given = { ...defaultMockServiceOptions, ...options };
  if (typeof given.name !== "string" || !/^[\w.-]{1,64}$/.test(given.name)) {
    throw new InvalidArgumentError("mockService.name", "must be 1 to 64 letters, digits, _, . and -", given.name);
  }
  if (typeof given.allowRemote !== "boolean") {
    throw new InvalidArgumentError("mockService.allowRemote", "must be true or false", given.allowRemote);
  }
  return {
    name: given.name,
    listen: checkListen(given.listen, given.allowRemote),
    allowRemote: given.allowRemote,
    seed: checkInteger("mockService.seed", options.seed ?? Math.floor(systemRandom.next() * twoTo32), 0),
    control: options.control === undefined ? undefined : checkControl(options.control),
    maxBodyBytes: checkInteger("mockService.maxBodyBytes", given.maxBodyBytes, 0, 1e9),
    maxHeaderBytes: checkInteger("mockService.maxHeaderBytes", given.maxHeaderBytes, 1_024, 1_048_576),
    maxConnections: checkInteger("mockService.maxConnections", given.maxConnections, 1),
    maxRoutes: checkInteger("mockService.maxRoutes", given.maxRoutes, 1),
    maxFaults: checkInteger("mockService.maxFaults", given.maxFaults, 1),
  };
}

function checkListen(listen: Address, allowRemote: boolean): Address {
  checkOptionNames("mockService.listen", listen, ["host", "port"]);
  if (typeof listen.host !== "string" || listen.host === "") {
    throw new InvalidArgumentError("mockService.listen.host", "must be a name or an address", listen.host);
  }
  if (!allowRemote && !isLoopback(listen.host)) {
    const rule = "must be an address of this machine alone, unless allowRemote is true";
    throw new InvalidArgumentError("mockService.listen", rule, listen.host);
  }
  return { host: listen.host, port: checkInteger("mockService.listen.port", listen.port, 0, 65_535) };
}

function checkControl(control: MockControl): CheckedControl {
  checkOptionNames("mockService.control", control, ["token", "prefix"]);
  const { token, prefix = "/_mock" } = control;
  // Never the value: a token that is too short is still somebody's.
  if (typeof token !== "string" || !/^[\u0021-\u007e]{8,1000}$/.test(token)) {
    throw new InvalidArgumentError("mockService.control.token", "must be 8 to 1000 letters without spaces", "…");
  }
  if (typeof prefix !== "string" || !/^(\/[\w.~-]+)+$/.test(prefix)) {
    throw new InvalidArgumentError("mockService.control.prefix", "must be a path like /_mock", prefix);
  }
  return { token, prefix };
}
