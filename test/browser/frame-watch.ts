import type { Browser, Page } from "playwright-core";

/** A frame that came late, and how much of that was the page's own work. */
export interface LateFrame {
  readonly startMs: number;
  /** By the clock. */
  readonly durationMs: number;
  /** Of the processor, in the longest task of the page's main thread: what the page cannot put off. */
  readonly taskMs: number;
}

export interface FrameWatch {
  /** Frames drawn, and those over 50 ms by the clock. */
  stop(): Promise<{ readonly drawn: number; readonly late: readonly LateFrame[] }>;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

const script = `
  window.lateFrames = [];
  window.drawnFrames = 0;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) window.lateFrames.push([startTime, duration]);
  }).observe({ type: "long-animation-frame" });
  (function count() { window.drawnFrames++; requestAnimationFrame(count); })();
  performance.mark("frame-watch");
  performance.getEntriesByName("frame-watch")[0].startTime;`;

/**
 * Watches every frame of a page. On a machine that is busy with something else frames are late through no fault of the page:
 * the trace tells how much processor time its main thread took for what it did in each.
 */
export async function watchFrames(browser: Browser, page: Page): Promise<FrameWatch> {
  await browser.startTracing(page, { categories: ["toplevel", "blink.user_timing"] });
  const markMs = await page.evaluate<number>(script);
  return {
    async stop() {
      const frames = await page.evaluate<readonly (readonly [number, number])[]>("window.lateFrames");
      const drawn = await page.evaluate<number>("window.drawnFrames");
      const trace = JSON.parse((await browser.stopTracing()).toString()) as {
        readonly traceEvents: readonly TraceEvent[];
      };
      const mark = trace.traceEvents.find(({ name }) => name === "frame-watch");
      if (mark === undefined) throw new Error("the trace does not have the page in it");
      const tasks = trace.traceEvents.filter(
        ({ name, ph, pid, tid, tdur }) =>
          name === "ThreadControllerImpl::RunTask" &&
          ph === "X" &&
          pid === mark.pid &&
          tid === mark.tid &&
          tdur !== undefined,
      );
      if (tasks.length === 0) throw new Error("the trace has no tasks");
      const late = frames.map(([startMs, durationMs]): LateFrame => {
        const from = mark.ts + (startMs - markMs) * 1_000;
        const to = from + durationMs * 1_000;
        const within = tasks.filter(({ ts, dur = 0 }) => ts + dur > from && ts < to);
        return { startMs, durationMs, taskMs: within.reduce((most, { tdur = 0 }) => Math.max(most, tdur), 0) / 1_000 };
      });
      return { drawn, late };
    },
  };
}
