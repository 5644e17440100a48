import type { Metric as PromMetric, Registry } from "prom-client";
import { InvalidArgumentError } from "../../errors/base.ts";
import { prometheusValues, type Metrics, type MetricView } from "../../telemetry/index.ts";

type AnyRegistry = Pick<Registry, "registerMetric" | "removeSingleMetric" | "getSingleMetric">;

/**
 * Puts metrics into a registry of prom-client, those there are and those defined later, beside what the registry has.
 * Nothing is copied: each scrape reads them as they are then. Returns what takes them out again.
 *
 * `registry.resetMetrics()` leaves them as they are.
 *
 * @throws InvalidArgumentError when the registry has a metric of that name; so does defining one later
 * @example
 * exportToPromClient(metrics, register);
 * app.get("/metrics", async (_request, reply) => reply.type(register.contentType).send(await register.metrics()));
 */
export function exportToPromClient(metrics: Pick<Metrics, "watch">, registry: AnyRegistry): () => void {
  if (typeof registry?.registerMetric !== "function") {
    throw new InvalidArgumentError("exportToPromClient.registry", "must be a Registry of prom-client", registry);
  }
  const added: string[] = [];
  const remove = (): void => {
    for (const name of added.splice(0)) registry.removeSingleMetric(name);
  };
  try {
    const stop = metrics.watch((metric) => {
      if (registry.getSingleMetric(metric.name) !== undefined) {
        throw new InvalidArgumentError("metric.name", "is taken in this registry of prom-client", metric.name);
      }
      // A registry asks no more of a metric than a name and `get`; its types know only its own classes.
      registry.registerMetric(new ReadMetric(metric) as unknown as PromMetric);
      added.push(metric.name);
    });
    return () => {
      stop();
      remove();
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A metric that has nothing of its own. */
class ReadMetric {
  /** A registry of OpenMetrics takes `_total` off. */
  name: string;
  readonly help: string;
  readonly type: MetricView["type"];
  readonly aggregator = "sum";
  readonly #view: MetricView;

  constructor(view: MetricView) {
    this.name = view.name;
    this.help = view.help;
    this.type = view.type;
    this.#view = view;
  }

  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values: prometheusValues(this.#view) });
  }

  /** Part of what a registry expects; what is read elsewhere cannot be reset here. */
  reset(): void {
    // Nothing.
  }
}
