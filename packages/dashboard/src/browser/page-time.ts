/** Milliseconds since 1970, by the browser's clock. */
export function wallNow(): number {
  return Date.now();
}

/** Milliseconds that only go forward. */
export function steadyNow(): number {
  return performance.now();
}

/** Calls until the function that it gives is called. */
export function every(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms);
  return () => clearInterval(timer);
}

export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Calls once before the next picture is drawn, however often it is asked to; soon, where none is drawn. */
export function onceAFrame(run: () => void): () => void {
  let frame: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const now = (): void => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = undefined;
    timer = undefined;
    run();
  };
  return () => {
    if (timer !== undefined) return;
    frame = requestAnimationFrame(now);
    // A page in the background draws nothing, and keeps up all the same.
    timer = setTimeout(now, 250);
  };
}

export function randomShare(): number {
  return Math.random();
}
