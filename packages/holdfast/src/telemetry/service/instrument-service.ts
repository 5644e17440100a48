import { createErrorAggregator, type ErrorAggregator } from "../../errors/index.ts";
import {
  ownProcessName,
  systemClock,
  systemRandom,
  warnOwner,
  type Clock,
  type RandomSource,
  type Timer,
} from "../../runtime/system.ts";
import type { ErrorGroupView, PolicyView, ServiceReport } from "../view/service-report.ts";
import { CallWindow, type CallObserver } from "./call-window.ts";
import { checkInstrumentOptions, checkText, type InstrumentServiceOptions } from "./instrument-options.ts";
import { flatOptions, isCalm, isForced, PolicyRates, shownState } from "./policy-rates.ts";
import { ReportSender, type ReportMetrics } from "./report-sender.ts";
import { ComponentTimes, errorView, finite } from "./report-views.ts";

/** An instance of a service that the dashboard of a cluster shows. */
export interface InstrumentedService extends Disposable, AsyncDisposable {
  /**
   * Counts the calls of something by this name: for `measure` in a pipeline, and for whoever serves requests. A policy of
   * the same name that counts no calls is shown with these. Beyond 400 names, the rest share one.
   */
  observer(name: string, kind?: string): CallObserver;
  /**
   * Counts an error of which nobody else tells: what the plugins for servers give it. Does nothing where `errors` was
   * given, which is fed by whoever made it. Never throws.
   */
  recordError(error: unknown): void;
  /** What would be reported now. */
  report(): ServiceReport;
  readonly metrics: ReportMetrics;
  /** Reports no more, and says so: it has left. Resolves when that is told, or was not taken within a second. Idempotent. */
  close(): Promise<void>;
}

const lookMs = 250;
const sampleMs = 1_000;
const maxPolicies = 500;
const maxObservers = 400;
const maxErrors = 50;
const overflowName = "(others)";

/**
 * Makes a service appear in the dashboard of the cluster it belongs to: its policies, errors, health and calls. Reports go
 * out in the background, one at a time; whoever does not take them slows nothing down but the reports. The process is not
 * kept alive for them.
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
  readonly #times = new ComponentTimes();
  readonly #ownErrors: ErrorAggregator | undefined;
  #sampledMs = Number.NEGATIVE_INFINITY;
  #states = "";
  #unnamed = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: InstrumentServiceOptions) {
    const { everyMs, endpoints, token } = checkInstrumentOptions(options);
    const { service, fetch, tls, clock = systemClock, random = systemRandom } = options;
    this.#options = options;
    this.#clock = clock;
    this.#instance = options.instance ?? drawnName(random);
    this.#startedAt = clock.wallTime();
    this.#ownErrors = options.errors === undefined ? createErrorAggregator({ clock, maxGroups: 200 }) : undefined;
    const onUnheard =
      options.onUnheard ??
      ((why: string) => warnOwner(`${service} is not shown in a dashboard: ${why}; it goes on, and tries again`));
    this.#sender = new ReportSender({
      endpoints,
      token,
      tls,
      everyMs,
      clock,
      random,
      fetch,
      onUnheard,
      report: () => this.report(),
    });
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

  recordError(error: unknown): void {
    this.#ownErrors?.record(error);
  }

  report(): ServiceReport {
    const policies = [...this.#policies(), ...this.#observed()].toSorted(
      (left, right) =>
        Number(isTroubled(right)) - Number(isTroubled(left)) || right.callsPerSecond - left.callsPerSecond,
    );
    const errors: readonly ErrorGroupView[] = (this.#options.errors ?? this.#ownErrors)?.groups() ?? [];
    return {
      service: this.#options.service,
      instance: this.#instance,
      at: this.#clock.wallTime(),
      startedAt: this.#startedAt,
      health: this.#times.view(this.#options.health?.view()),
      policies: policies.slice(0, maxPolicies),
      errors: errors.slice(0, maxErrors).map(errorView),
      omitted: Math.max(0, policies.length - maxPolicies) + Math.max(0, errors.length - maxErrors) + this.#unnamed,
    };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    return this.#sender.close({ service: this.#options.service, instance: this.#instance, startedAt: this.#startedAt });
  }

  [Symbol.dispose](): void {
    void this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
      const { state, isReady, components = [] } = this.#options.health?.view() ?? {};
      this.#times.look(components, this.#clock.wallTime());
      // Whether every place of a bulkhead is taken changes with each call: nobody waits to see that.
      const telling = policies.filter(({ kind }) => kind !== "bulkhead");
      const states = [state, isReady, ...components, ...telling].map(stateOf).join();
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
        state: shownState(policy),
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

function stateOf(part: string | boolean | undefined | { readonly state: string | null }): unknown {
  return typeof part === "object" ? part.state : part;
}

function isTroubled({ state, failureRatio }: PolicyView): boolean {
  return !isCalm(state) || (failureRatio ?? 0) > 0;
}

/** Who looks for the process finds it; the digits tell apart those that came after it under the same name. */
function drawnName(random: RandomSource): string {
  const digits = Math.floor(random.next() * 2 ** 16)
    .toString(16)
    .padStart(4, "0");
  const process = ownProcessName();
  return process === "" ? digits : `${process}:${digits}`;
}
