import type { BreakerWindow, WindowOptions } from "./breaker-window.ts";
import { ConsecutiveWindow } from "./consecutive-window.ts";
import { CountWindow } from "./count-window.ts";
import { PeriodWindow } from "./period-window.ts";
import { TimeWindow } from "./time-window.ts";

/** How many parts a time window has when nobody says. */
const defaultBuckets = 10;

/** An empty window, of checked options. */
export function createWindow(options: WindowOptions): BreakerWindow {
  switch (options.kind) {
    case "consecutive":
      return new ConsecutiveWindow(options.failures);
    case "count":
      return new CountWindow(options.size);
    case "time":
      return new TimeWindow(options.ms, options.buckets ?? defaultBuckets);
    case "period":
  }
  return new PeriodWindow(options.ms, options.failures);
}
