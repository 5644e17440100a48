import type { FaultedTime, RealTime } from "./faulted-time.ts";

const RealDate = Date;
const realNow = performance.now.bind(performance);

/** Taken when this is loaded: before the program's own code. */
export const realTime: RealTime = { wall: RealDate.now, mono: realNow };

/** What `process.hrtime` shows when `performance.now` shows 0. */
const hrOrigin = process.hrtime.bigint() - BigInt(Math.round(realNow() * 1e6));

/**
 * Puts `Date`, `performance.now`, `process.hrtime` and `process.uptime` on faulted time. As long as it is real, they ask the
 * originals.
 */
export function patchClocks(time: FaultedTime): void {
  const now = (): number => {
    if (!time.isReal) time.strike("wall");
    return time.wall();
  };
  // A class would refuse `Date()` without `new`.
  function FaultedDate(this: unknown, ...args: readonly unknown[]): object | string {
    if (new.target === undefined) return new RealDate(now()).toString();
    const given = args.length === 0 && !time.isReal ? [now()] : args;
    return Reflect.construct(RealDate, given, new.target) as object;
  }
  Object.defineProperties(FaultedDate, {
    ...Object.getOwnPropertyDescriptors(RealDate),
    now: { value: now, writable: true, configurable: true, enumerable: false },
  });
  // Dates made before and after are of one kind, both ways.
  Object.defineProperty(RealDate.prototype, "constructor", { value: FaultedDate, writable: true, configurable: true });
  globalThis.Date = FaultedDate as unknown as DateConstructor;

  const mono = (): number => {
    if (time.isReal) return realNow();
    time.strike("mono");
    return time.mono();
  };
  Object.defineProperty(performance, "now", { value: mono, writable: true, configurable: true, enumerable: true });

  const realHrtime = process.hrtime;
  const realBigint = realHrtime.bigint.bind(realHrtime);
  const bigint = (): bigint => (time.isReal ? realBigint() : hrOrigin + BigInt(Math.round(mono() * 1e6)));
  const hrtime = (since?: [number, number]): [number, number] => {
    if (time.isReal) return realHrtime(since);
    const passed = bigint() - (since === undefined ? 0n : BigInt(since[0]) * 1_000_000_000n + BigInt(since[1]));
    return [Number(passed / 1_000_000_000n), Number(passed % 1_000_000_000n)];
  };
  process.hrtime = Object.assign(hrtime, { bigint });

  const realUptime = process.uptime.bind(process);
  process.uptime = () => realUptime() + (time.isReal ? 0 : (mono() - realNow()) / 1_000);
}
