import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { coloursVersion } from "../browser/theme.ts";
import {
  drawTimeline,
  timelineHeight,
  timelineLeft,
  timelineRows,
  timelineScale,
  type TimelineContent,
} from "./draw-timeline.ts";

export interface EventTimelineProps extends TimelineContent {
  readonly label: string;
  /** A moment was clicked. */
  readonly onPick: (atMs: number) => void;
}

/** All events at a glance, a row for each node. The list below it says the same in words. */
export function EventTimeline(props: EventTimelineProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const colours = coloursVersion.value;
  const rows = timelineRows(props.entries);

  useEffect(() => {
    if (canvas.current !== null) drawTimeline(canvas.current, latest.current, rows);
  }, [props.entries, props.regions, props.fromMs, props.toMs, props.isCollapsed, colours]);

  useEffect(() => {
    const { current } = canvas;
    if (current === null) return undefined;
    const observer = new ResizeObserver(() =>
      drawTimeline(current, latest.current, timelineRows(latest.current.entries)),
    );
    observer.observe(current);
    return () => observer.disconnect();
  }, []);

  function pick(event: MouseEvent): void {
    const { onPick } = latest.current;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const left = timelineLeft(timelineRows(latest.current.entries).length);
    const share = Math.max(0, event.clientX - box.left - left) / Math.max(1, box.width - left);
    onPick(timelineScale(latest.current).at(share));
  }

  return (
    <canvas
      ref={canvas}
      class="timeline"
      style={{ height: `${timelineHeight(rows.length)}px` }}
      role="img"
      aria-label={props.label}
      onClick={pick}
    />
  );
}
