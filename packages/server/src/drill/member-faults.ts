import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/**
 * Loaded into a member of a drill's cluster before anything of its own: takes orders from the drill, and makes its disk
 * slow or full, its clocks wrong, its processor busy, its memory scarce. Imports nothing of Holdfast: what the member
 * loads must be what it always loads.
 */

interface Order {
  readonly id: number;
  readonly do: "begin" | "end" | "look";
  readonly kind: string;
  readonly parameters: Readonly<Record<string, number>>;
}

interface Effect {
  begin(parameters: Order["parameters"]): void;
  end(): void;
}

/** How often each kind has had an effect since it began last. */
const struck: Record<string, number> = {};
const count = (kind: string): void => void (struck[kind] = (struck[kind] ?? 0) + 1);

const real = { writev: fs.writev, fdatasync: fs.fdatasync, dateNow: Date.now, now: performance.now.bind(performance) };

function slowDisk(): Effect {
  let delayMs = 0;
  type AnyCall = (...values: never[]) => void;
  const slow =
    (call: AnyCall) =>
    (...values: never[]): void => {
      if (delayMs === 0) return call(...values);
      count("slowDisk");
      setTimeout(() => call(...values), delayMs);
    };
  patch({ writev: slow(fs.writev), fdatasync: slow(fs.fdatasync) });
  return { begin: (parameters) => void (delayMs = parameters["extraMs"] ?? 0), end: () => void (delayMs = 0) };
}

function fullDisk(): Effect {
  let isFull = false;
  const before = fs.writev as (...values: unknown[]) => void;
  patch({
    writev: (...values: unknown[]): void => {
      if (!isFull) return before(...values);
      count("fullDisk");
      const error = Object.assign(new Error("ENOSPC: no space left on device, write"), {
        code: "ENOSPC",
        errno: -28,
        syscall: "write",
      });
      process.nextTick(values.at(-1) as (error: Error) => void, error);
    },
  });
  return { begin: () => void (isFull = true), end: () => void (isFull = false) };
}

function patch(calls: object): void {
  Object.assign(fs, calls);
  // Named imports see it, too.
  syncBuiltinESMExports();
}

/** Monotonic time may run at another speed, and never goes back: what it has gained stays when the fault is over. */
function clocks(): { readonly skew: Effect; readonly drift: Effect } {
  let offsetMs = 0;
  let rate = 1;
  let sinceMs = 0;
  let gainedMs = 0;
  const gained = (): number => gainedMs + (real.now() - sinceMs) * (rate - 1);
  const setRate = (next: number): void => {
    gainedMs = gained();
    sinceMs = real.now();
    rate = next;
  };
  const setTimer = globalThis.setTimeout;
  performance.now = () => {
    if (rate !== 1) count("clockDrift");
    return real.now() + gained();
  };
  Date.now = () => Math.floor(real.dateNow.call(Date) + gained() + offsetMs);
  const drifting = (callback: (...values: unknown[]) => void, delayMs?: number, ...rest: unknown[]): unknown =>
    setTimer(callback, (delayMs ?? 0) / rate, ...rest);
  globalThis.setTimeout = Object.assign(drifting as typeof setTimeout, setTimer);
  return {
    skew: {
      begin(parameters) {
        offsetMs = parameters["byMs"] ?? 0;
        // Few ask for the time of day. It is wrong for whoever does: that is the fault.
        struck["clockSkew"] = Math.abs(Date.now() - real.dateNow.call(Date)) > Math.abs(offsetMs) / 2 ? 1 : 0;
      },
      end: () => void (offsetMs = 0),
    },
    drift: { begin: (parameters) => setRate(1 + (parameters["ppm"] ?? 0) / 1e6), end: () => setRate(1) },
  };
}

/** The member's one thread does nothing else for a share of the time. */
function blockedLoop(): Effect {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin(parameters) {
      const everyMs = parameters["everyMs"] ?? 100;
      const busyMs = (parameters["share"] ?? 0) * everyMs;
      timer = setInterval(() => {
        const until = real.now() + busyMs;
        while (real.now() < until);
        count("blockedLoop");
      }, everyMs);
      timer.unref();
    },
    end: () => clearInterval(timer),
  };
}

function memory(): Effect {
  let held: Buffer | undefined;
  return {
    begin(parameters) {
      // Written to, so that it takes real pages.
      held = Buffer.alloc(parameters["bytes"] ?? 0, 1);
      struck["memory"] = held.length > 0 ? 1 : 0;
    },
    end: () => void (held = undefined),
  };
}

const { skew, drift } = clocks();
const effects: Readonly<Record<string, Effect>> = {
  slowDisk: slowDisk(),
  fullDisk: fullDisk(),
  clockSkew: skew,
  clockDrift: drift,
  blockedLoop: blockedLoop(),
  memory: memory(),
};

function obey(order: Order): void {
  const effect = effects[order.kind];
  if (effect === undefined || order.do === "look") return;
  if (order.do === "end") return effect.end();
  struck[order.kind] = 0;
  effect.begin(order.parameters);
}

process.on("message", (message) => {
  const order = message as Order;
  obey(order);
  process.send?.({ id: order.id, struck: struck[order.kind] ?? 0 });
});
// A member that has nothing else to do may end.
process.channel?.unref();
