import { checkFunction, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { ownVariable, type Clock, type RandomSource } from "../../runtime/system.ts";
import type { ErrorGroupView, HealthView } from "../view/service-report.ts";
import type { InstrumentedPolicy } from "./policy-rates.ts";
import type { PostReport, ReportTls } from "./report-sender.ts";

export interface InstrumentServiceOptions {
  /** 1 to 128 characters; instances of one service share it. */
  readonly service: string;
  /** Tells the instances of a service apart, 1 to 128 characters. Default: host, process number and four drawn digits. */
  readonly instance?: string;
  /**
   * Origins of members' HTTP ports, or of the dashboard of `holdfast up`: tried in turn, one is enough. Default: what
   * HOLDFAST_DASHBOARD_URL says, separated by commas.
   */
  readonly endpoints?: readonly string[];
  /** The dashboard's, where it has one. Default: what HOLDFAST_DASHBOARD_TOKEN says. */
  readonly token?: string;
  /** Who signs the members' certificates, and this service's own where they ask for one; PEM. Default: as the platform has it. */
  readonly tls?: ReportTls;
  /** What `policyReader` of `holdfast/resilience` gives. */
  readonly policies?: () => readonly InstrumentedPolicy[];
  /** An aggregator of `holdfast/errors` that somebody feeds. Default: one of its own, for `recordError`. */
  readonly errors?: { groups(): readonly ErrorGroupView[] };
  /** What `createHealth` gives. */
  readonly health?: { view(): HealthView };
  /** Between two reports; a state that changes is told at once, and to those whom nobody watches every 6 s. 500 to 10 000 ms, default 2 000. */
  readonly everyMs?: number;
  /** Told once when nobody takes the reports, until somebody has taken one again. Default: a warning of the process. */
  readonly onUnheard?: (why: string) => void;
  /** Default: the platform's. */
  readonly fetch?: PostReport;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

export const instrumentServiceDefaults: { readonly everyMs: number } = { everyMs: 2_000 };

const optionNames = [
  "service",
  "instance",
  "endpoints",
  "token",
  "tls",
  "policies",
  "errors",
  "health",
  "everyMs",
  "onUnheard",
  "fetch",
  "clock",
  "random",
];
const ofEnvironment = { endpoints: "HOLDFAST_DASHBOARD_URL", token: "HOLDFAST_DASHBOARD_TOKEN" } as const;

/** Where reports go, and how often. */
export interface ReportTarget {
  readonly everyMs: number;
  readonly endpoints: readonly string[];
  readonly token: string | undefined;
}

/** @throws InvalidArgumentError naming the option, or the variable, its rule and its value */
export function checkInstrumentOptions(options: InstrumentServiceOptions): ReportTarget {
  checkOptionNames("instrumentService", options, optionNames);
  const { service, instance, tls, policies, errors, health, fetch, onUnheard } = options;
  checkText("instrumentService.service", service, 128);
  if (instance !== undefined) checkText("instrumentService.instance", instance, 128);
  checkFunction("instrumentService.policies", policies);
  if (errors !== undefined && typeof errors?.groups !== "function") {
    throw new InvalidArgumentError("instrumentService.errors", "must be an aggregator of errors", errors);
  }
  if (health !== undefined && typeof health?.view !== "function") {
    throw new InvalidArgumentError("instrumentService.health", "must be what createHealth gives", health);
  }
  checkFunction("instrumentService.fetch", fetch);
  checkFunction("instrumentService.onUnheard", onUnheard);
  if (tls !== undefined) checkOptionNames("instrumentService.tls", tls, ["ca", "cert", "key"]);
  if (tls !== undefined && fetch !== undefined) {
    throw new InvalidArgumentError("instrumentService.tls", "must not be given with fetch, which has its own", "tls");
  }
  const everyMs = options.everyMs ?? instrumentServiceDefaults.everyMs;
  checkNumber("instrumentService.everyMs", everyMs, 500, 10_000);
  return { everyMs, endpoints: readEndpoints(options.endpoints), token: readToken(options.token) };
}

function readEndpoints(given: readonly string[] | undefined): readonly string[] {
  const said = given === undefined ? ownVariable(ofEnvironment.endpoints) : undefined;
  const endpoints = given ?? said?.split(",").map((part) => part.trim());
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    const rule = `must be a list of at least one URL, unless ${ofEnvironment.endpoints} says it`;
    throw new InvalidArgumentError("instrumentService.endpoints", rule, given);
  }
  return endpoints.map((endpoint: unknown, at) => {
    const url = typeof endpoint === "string" && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (url?.protocol === "http:" || url?.protocol === "https:") return url.origin;
    const name = said === undefined ? `instrumentService.endpoints[${at}]` : ofEnvironment.endpoints;
    throw new InvalidArgumentError(name, "must be a URL like http://127.0.0.1:2381", endpoint);
  });
}

function readToken(given: string | undefined): string | undefined {
  const token = given ?? ownVariable(ofEnvironment.token);
  const name = given === undefined ? ofEnvironment.token : "instrumentService.token";
  // It goes into a header; what it is stays out of the message.
  if (token !== undefined && !/^[\x21-\x7e]{1,512}$/.test(token)) {
    throw new InvalidArgumentError(name, "must be 1 to 512 printable characters without spaces", typeof token);
  }
  return token;
}

export function checkText(name: string, value: unknown, most: number): void {
  if (typeof value === "string" && value !== "" && value.length <= most) return;
  throw new InvalidArgumentError(name, `must be 1 to ${most} characters`, value);
}
