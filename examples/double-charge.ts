/** A shop that retries after a timeout, and a bank that answers too late: found by a seed, shown by one fault, fixed. */
import { pipeline, retry, timeout } from "holdfast/resilience";
import {
  abortAfter,
  checkProperty,
  describeProperty,
  keyValueClient,
  keyValueService,
  serve,
  simulatedFetch,
  type PropertyReport,
  type ServiceMain,
} from "holdfast/simulation";

interface Charge {
  readonly key: string | null;
  readonly cents: number;
}

/** Keeps the charges of each order in a database. A charge that names itself is made once. */
const bank: ServiceMain = async (runtime, { sometimes }) => {
  const fetch = simulatedFetch(runtime);
  const database = keyValueClient(fetch, "http://database");
  await serve(runtime, async (request) => {
    const { order, cents } = (await request.json()) as { readonly order: string; readonly cents: number };
    const key = request.headers.get("idempotency-key");
    const before = await database.get(order);
    const charges = (before?.value ?? []) as readonly Charge[];
    const isKnown = key !== null && charges.some((charge) => charge.key === key);
    sometimes("asked again for what was charged", isKnown);
    if (isKnown) return new Response(null, { status: 204 });
    const version = await database.put(order, [...charges, { key, cents }], { ifVersion: before?.version ?? 0 });
    return new Response(null, { status: version === undefined ? 409 : 204 });
  });
};

/** Takes orders and has the bank charge for them, in three attempts of 200 ms. */
function shop(namesCharges: boolean): ServiceMain {
  return async (runtime) => {
    const { clock, random } = runtime;
    const fetch = simulatedFetch(runtime);
    const patiently = pipeline(retry({ maxAttempts: 3, clock, random }), timeout({ timeoutMs: 200, clock }));
    await serve(runtime, async (request) => {
      const { order } = (await request.json()) as { readonly order: string };
      const headers: Record<string, string> = namesCharges ? { "idempotency-key": order } : {};
      await patiently.execute(async ({ signal }) => {
        const body = JSON.stringify({ order, cents: 500 });
        const response = await fetch("http://bank/charges", { method: "POST", headers, body, signal });
        if (!response.ok) throw new Error(`the bank answered ${response.status}`);
      });
      return new Response(null, { status: 204 });
    });
  };
}

/** Ten orders while machines and what is between them fail; then the books are read. */
function check(namesCharges: boolean): Promise<PropertyReport> {
  return checkProperty({
    name: "a card is charged once for an order",
    seeds: 50,
    faultLengthMs: 3_000,
    faults: [
      { type: "delay", targets: "one", delayMs: [20, 500], probability: 0.2, perMs: 300, durationMs: [50, 500] },
      { type: "partition", targets: "one", probability: 0.1, perMs: 300, durationMs: [50, 500] },
      { type: "crash", targets: "one", probability: 0.1, perMs: 300, durationMs: [20, 200] },
    ],
    sometimes: ["an order was paid", ...(namesCharges ? ["asked again for what was charged"] : [])],
    async run(_, context) {
      context.service("database", keyValueService());
      context.service("bank", bank);
      context.service("shop", shop(namesCharges));
      const orders = Array.from({ length: 10 }, (_, at) => `order ${at}`);
      const paid = new Set<string>();
      const buying = context.client("customer", async (runtime) => {
        const fetch = simulatedFetch(runtime);
        for (const order of orders) {
          const signal = abortAfter(runtime.clock, 1_000);
          try {
            const body = JSON.stringify({ order });
            const response = await fetch("http://shop/orders", { method: "POST", body, signal });
            if (response.ok) paid.add(order);
          } catch {
            // Whether it was paid is not known. It must not have been paid twice.
          }
          await runtime.clock.sleep(200);
        }
      });
      await Promise.all([buying, context.injectFaults().finished]);
      context.sometimes("an order was paid", paid.size > 0);
      await context.client("auditor", async (runtime) => {
        await runtime.clock.sleep(1_000);
        const database = keyValueClient(simulatedFetch(runtime), "http://database");
        for (const order of orders) {
          const charges = ((await database.get(order))?.value ?? []) as readonly Charge[];
          context.check("nobody pays twice", charges.length <= 1, `${order} was charged ${charges.length} times`);
          context.check("who has paid was charged", charges.length === 1 || !paid.has(order), order);
        }
      });
    },
  });
}

const broken = await check(false);
console.log(describeProperty(broken));
const { failure } = broken;
if (failure?.invariant !== "nobody pays twice") throw new Error("the double charge was not found");

const fixed = await check(true);
console.log(describeProperty(fixed));
if (!fixed.holds) throw new Error("the fix does not hold");
console.log(
  `ok: ${failure.keep.length} of ${failure.drawn} faults charges twice; with a key, no seed of ${fixed.seeds} does`,
);
