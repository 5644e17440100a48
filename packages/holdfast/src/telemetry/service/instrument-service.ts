import { checkFunction, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, systemRandom, type Clock, type RandomSource, type Timer } from "../../runtime/system.ts";
import type { ErrorGroupView, HealthView, PolicyView, ServiceReport } from "../view/service-report.ts";
import { CallWindow, type CallObserver } from "./call-window.ts";
import { flatOptions, isForced, PolicyRates, type InstrumentedPolicy } from "./policy-rates.ts";
import { ReportSender, type PostReport, type ReportMetrics } from "./report-sender.ts";

export interface InstrumentServiceOptions {
  /** 1 to 128 characters; instances of one service share it. */
  readonly service: string;
  /** Tells the instances of a service apart: a host and a process number, say. Default: drawn at the start. */
  readonly instance?: string;
  /** Origins of members' HTTP ports, or of the dashboard of `holdfast up`: tried in turn. */
  readonly endpoints: readonly string[];
  /** The dashboard's, where it has one. */
  readonly token?: string;
  /** What `policyReader` of `holdfast/resilience` gives. */
  readonly policies?: () => readonly InstrumentedPolicy[];
  /** An aggregator of `holdfast/errors`. */
  readonly errors?: { groups(): readonly ErrorGroupView[] };
  /** What `createHealth` gives. */
  readonly health?: { view(): HealthView };
  /** Between two reports; a state that changes is told at once. 500 to 10 000 ms, default 2 000. */
  readonly everyMs?: number;
  /** Default: the platform's. */
  readonly fetch?: PostReport;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/** An instance of a service that the dashboard of a cluster shows. */
export interface InstrumentedService extends Disposable {
  /**
   * Counts the calls of something by this name: for `measure` in a pipeline, and for whoever serves requests. A policy of
   * the same name that counts no calls is shown with these. Beyond 400 names, the rest share one.
   */
  observer(name: string, kind?: string): CallObserver;
  /** What would be reported now. */
  report(): ServiceReport;
  readonly metrics: ReportMetrics;
  /** Reports no more. Idempotent. */
  close(): void;
}

export const instrumentServiceDefaults: { readonly everyMs: number } = { everyMs: 2_000 };

const optionNames = ["service", "instance", "endpoints", "token", "policies", "errors", "health", "everyMs"];
const lookMs = 250;
const sampleMs = 1_000;
const maxPolicies = 500;
const maxObservers = 400;
const maxErrors = 50;
const maxComponents = 200;
const overflowName = "(others)";

/**
 * Makes a service appear in the dashboard of the cluster it belongs to: its policies, errors, health and calls. Reports go
 * out in the background, one at a time; whoever does not take them slows nothing down but the reports.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 * @example
 * const service = instrumentService({
 *   service: "shop",
 *   endpoints: ["http://127.0.0.1:2381"],
 *   policies: policyReader(stock, prices),
 * });
 */
export function instrumentService(options: InstrumentServiceOptions): InstrumentedService {
  return new Instrumented(options);
}

class Instrumented implements InstrumentedService {
  readonly #options: InstrumentServiceOptions;
  readonly #clock: Clock;
  readonly #instance: string;
  readonly #startedAt: number;
  readonly #rates = new PolicyRates();
  readonly #observers = new Map<
    string,
    { readonly kind: string; readonly name: string; readonly window: CallWindow }
  >();
  readonly #sender: ReportSender;
  #sampledMs = Number.NEGATIVE_INFINITY;
  #states = "";
  #unnamed = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: InstrumentServiceOptions) {
    const { clock, random, everyMs, endpoints } = checkOptions(options);
    this.#options = options;
    this.#clock = clock;
    this.#instance = options.instance ?? drawnName(random);
    this.#startedAt = clock.wallTime();
    const fetch: PostReport = options.fetch ?? ((url, given) => globalThis.fetch(url, given));
    const report = (): ServiceReport => this.report();
    this.#sender = new ReportSender({ endpoints, token: options.token, everyMs, clock, random, fetch, report });
    this.#look();
  }

  get metrics(): ReportMetrics {
    return this.#sender.metrics;
  }

  observer(name: string, kind: string = "calls"): CallObserver {
    checkText("observer name", name, 256);
    checkText("observer kind", kind, 64);
    const key = JSON.stringify([kind, name]);
    const known = this.#observers.get(key);
    if (known !== undefined) return known.window;
    if (this.#observers.size >= maxObservers && name !== overflowName) {
      this.#unnamed++;
      return this.observer(overflowName, kind);
    }
    const window = new CallWindow(() => this.#clock.now());
    this.#observers.set(key, { kind, name, window });
    return window;
  }

  report(): ServiceReport {
    const policies = [...this.#policies(), ...this.#observed()].toSorted(
      (left, right) =>
        Number(isTroubled(right)) - Number(isTroubled(left)) || right.callsPerSecond - left.callsPerSecond,
    );
    const errors = this.#options.errors?.groups() ?? [];
    return {
      service: this.#options.service,
      instance: this.#instance,
      at: this.#clock.wallTime(),
      startedAt: this.#startedAt,
      health: healthView(this.#options.health?.view()),
      policies: policies.slice(0, maxPolicies),
      errors: errors.slice(0, maxErrors).map(errorView),
      omitted: Math.max(0, policies.length - maxPolicies) + Math.max(0, errors.length - maxErrors) + this.#unnamed,
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#sender.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Looks for states that have changed, and counts what was called. */
  #look(): void {
    if (this.#isClosed) return;
    // The service goes on, whatever its own readers do.
    try {
      const policies = this.#options.policies?.() ?? [];
      const now = this.#clock.now();
      if (now - this.#sampledMs >= sampleMs - lookMs / 2) {
        this.#sampledMs = now;
        this.#rates.sample(now, policies);
      }
      const { state, isReady } = this.#options.health?.view() ?? {};
      const states = JSON.stringify([state, isReady, policies.map((policy) => policy.state)]);
      if (states !== this.#states && this.#states !== "") this.#sender.hurry();
      this.#states = states;
    } catch {
      // The next report says the same, as its own failure.
    }
    this.#timer = this.#clock.setTimer(lookMs, () => this.#look());
  }

  #policies(): PolicyView[] {
    const measured = new Map([...this.#observers.values()].map(({ name, window }) => [name, window]));
    return (this.#options.policies?.() ?? []).map((policy): PolicyView => {
      const { kind, name, state, counts, gauges, options = {} } = policy;
      const seen = measured.get(name)?.view();
      const rates = this.#rates.of(policy) ?? seen ?? { callsPerSecond: 0, failureRatio: null };
      return {
        kind,
        name: name.slice(0, 256),
        state,
        isForced: isForced(state),
        callsPerSecond: rates.callsPerSecond,
        failureRatio: rates.failureRatio,
        durationMs: seen?.durationMs ?? null,
        counts: finite(counts),
        gauges: finite(gauges),
        configuration: flatOptions(options),
      };
    });
  }

  #observed(): PolicyView[] {
    return [...this.#observers.values()].map(({ kind, name, window }) => ({
      kind,
      name,
      state: null,
      isForced: false,
      ...window.view(),
      counts: { ...window.counts },
      gauges: { active: Math.max(0, window.active) },
      configuration: {},
    }));
  }
}

function errorView({
  fingerprint,
  kind,
  code,
  message,
  count,
  ratePerSecond,
  firstAt,
  lastAt,
}: ErrorGroupView): ErrorGroupView {
  return { fingerprint, kind, code, message: message.slice(0, 1_000), count, ratePerSecond, firstAt, lastAt };
}

function healthView(view: HealthView | undefined): HealthView | null {
  if (view === undefined) return null;
  const { state, isLive, isReady, isDraining, components } = view;
  // Those in trouble first: what is left out should be what nobody would look for.
  const shown = components.toSorted(
    (left, right) => Number(left.state === "healthy") - Number(right.state === "healthy"),
  );
  return {
    state,
    isLive,
    isReady,
    isDraining,
    components: shown.slice(0, maxComponents).map((component) => ({
      name: component.name.slice(0, 128),
      state: component.state,
      isCritical: component.isCritical,
      details: component.details?.slice(0, 1_000) ?? null,
      checkedAt: component.checkedAt,
    })),
  };
}

function isTroubled({ state, failureRatio }: PolicyView): boolean {
  return (state !== null && state !== "closed" && state !== "normal") || (failureRatio ?? 0) > 0;
}

/** What JSON can say. */
function finite(numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).filter(([, value]) => Number.isFinite(value)));
}

function drawnName(random: RandomSource): string {
  return Math.floor(random.next() * 2 ** 32)
    .toString(16)
    .padStart(8, "0");
}

function checkOptions(options: InstrumentServiceOptions): {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly everyMs: number;
  readonly endpoints: readonly string[];
} {
  checkOptionNames("instrumentService", options, [...optionNames, "fetch", "clock", "random"]);
  const { service, instance, endpoints, token, policies, errors, health } = options;
  checkText("instrumentService.service", service, 128);
  if (instance !== undefined) checkText("instrumentService.instance", instance, 128);
  if (token !== undefined) checkText("instrumentService.token", token, 512);
  checkFunction("instrumentService.policies", policies);
  if (errors !== undefined && typeof errors?.groups !== "function") {
    throw new InvalidArgumentError("instrumentService.errors", "must be an aggregator of errors", errors);
  }
  if (health !== undefined && typeof health?.view !== "function") {
    throw new InvalidArgumentError("instrumentService.health", "must be what createHealth gives", health);
  }
  checkFunction("instrumentService.fetch", options.fetch);
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    throw new InvalidArgumentError("instrumentService.endpoints", "must be a list of at least one URL", endpoints);
  }
  const origins = endpoints.map((endpoint: unknown, at) => {
    const url = typeof endpoint === "string" && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (url?.protocol === "http:" || url?.protocol === "https:") return url.origin;
    throw new InvalidArgumentError(
      `instrumentService.endpoints[${at}]`,
      "must be a URL like http://127.0.0.1:2381",
      endpoint,
    );
  });
  const everyMs = options.everyMs ?? instrumentServiceDefaults.everyMs;
  checkNumber("instrumentService.everyMs", everyMs, 500, 10_000);
  return { clock: options.clock ?? systemClock, random: options.random ?? systemRandom, everyMs, endpoints: origins };
}

function checkText(name: string, value: unknown, most: number): void {
  if (typeof value === "string" && value !== "" && value.length <= most) return;
  throw new InvalidArgumentError(name, `must be 1 to ${most} characters`, value);
}
