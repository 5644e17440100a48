/** A shop that depends on three flaky services, each behind a pipeline of its own: it has an answer for every order. */
import {
  bulkhead,
  circuitBreaker,
  explain,
  fallback,
  pipeline,
  retry,
  timeout,
  type PolicyEvent,
} from "holdfast/resilience";
import { seededRandom } from "holdfast/runtime";
import { VirtualClock } from "holdfast/testing";

// Virtual time and seeded chance: every run of this program prints the same timeline.
const clock = new VirtualClock();
const random = seededRandom(7);
const service = (name: string) => ({ name, clock, onEvent: (event: PolicyEvent) => say(`${name}: ${event.type}`) });

// Rates are down from the second to the fifth second. Yesterday's will do, and asking again does not help.
const yesterday = 1.1;
const rates = pipeline(
  fallback(yesterday, service("rates")),
  circuitBreaker({ ...service("rates"), window: { kind: "consecutive", failures: 2 }, openMs: 3_000 }),
  timeout({ ...service("rates"), timeoutMs: 100 }),
);

// The stock fails one time in three: asking again does help.
const stock = pipeline(
  timeout({ ...service("stock"), timeoutMs: 5_000 }),
  retry({ ...service("stock"), random: random.fork("stock"), maxAttempts: 5 }),
  timeout({ ...service("stock"), timeoutMs: 200 }),
);

// The bank is slow now and then, and takes two calls at a time.
const bank = pipeline(
  retry({ ...service("bank"), random: random.fork("bank"), maxAttempts: 5 }),
  timeout({ ...service("bank"), timeoutMs: 500 }),
  bulkhead({ ...service("bank"), maxConcurrent: 2 }),
);
console.log(`${String(explain(bank))}\n`);

const chance = random.fork("services");
const orders = Array.from({ length: 14 }, (_, at) => at + 1);
const paid = Promise.all(orders.map(pay));
await clock.advance(60_000);
const usedRates = await paid;

const fresh = usedRates.filter((rate) => rate !== yesterday).length;
console.log(`ok: ${usedRates.length} orders are paid, ${fresh} of them at today's rate`);

async function pay(order: number): Promise<number> {
  await clock.sleep(order * 600);
  const rate = await rates.execute(({ signal }) => askRates(signal));
  await stock.execute(({ signal }) => reserve(signal));
  await bank.execute(({ signal }) => charge(signal));
  say(`order ${order} is paid at ${rate}`);
  return rate;
}

async function askRates(signal: AbortSignal): Promise<number> {
  const down = clock.now() >= 2_000 && clock.now() < 5_000;
  await clock.sleep(down ? 10_000 : 20, { signal });
  return 1.2;
}

async function reserve(signal: AbortSignal): Promise<void> {
  await clock.sleep(30, { signal });
  if (chance.next() < 0.33) throw new Error("the stock is being counted");
}

async function charge(signal: AbortSignal): Promise<void> {
  await clock.sleep(chance.next() < 0.2 ? 2_000 : 250, { signal });
}

function say(text: string): void {
  console.log(`${(clock.now() / 1_000).toFixed(2).padStart(6)} s  ${text}`);
}
