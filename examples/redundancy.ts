/** A price asked of three shops at once, of which one lies and one goes down: the answer is right, and a backup steps in. */
import { redundancy, type RedundancyEvent } from "holdfast/recovery";
import { VirtualClock } from "holdfast/testing";

// Virtual time: every run of this program prints the same.
const clock = new VirtualClock();

const shops: Record<string, { readonly ms: number; price: () => number }> = {
  north: { ms: 30, price: () => 700 },
  east: { ms: 10, price: () => 999 },
  south: { ms: 50, price: () => 700 },
  west: { ms: 40, price: () => 700 },
};

const prices = redundancy({
  primaries: ["north", "east", "south"],
  backups: ["west"],
  level: 2,
  clock,
  onEvent: say,
});

async function ask(shop: string, signal: AbortSignal): Promise<number> {
  const { ms, price } = shops[shop] ?? { ms: 0, price: () => 0 };
  signal.addEventListener("abort", () => console.log(`  ${shop} is not needed any more`));
  await clock.sleep(ms, { signal });
  return price();
}

async function price(): Promise<number> {
  const call = prices.execute(({ node, signal }) => ask(node, signal));
  const [value] = await Promise.all([call, clock.advance(1_000)]);
  console.log(`  the price is ${value}`);
  return value;
}

function say(event: RedundancyEvent): void {
  if (event.type === "suspected") console.log(`  ${event.node} contradicts ${event.agreed.join(" and ")}`);
  else if (event.type === "promoted") console.log(`  ${event.node} takes the place of ${event.replaces}`);
}

console.log("east lies:");
const first = await price();

console.log("north is down, and east still lies:");
const north = shops["north"];
if (north !== undefined) {
  north.price = () => {
    throw new Error("no shop there");
  };
}
const second = await price();

console.log(`asked first from now on: ${prices.primaries.join(", ")}`);
const { promotions, suspected } = prices.metrics;
if (first !== 700 || second !== 700) process.exitCode = 1;
else console.log(`ok: both prices are right, ${suspected} lies were outvoted, ${promotions} backup took over`);
