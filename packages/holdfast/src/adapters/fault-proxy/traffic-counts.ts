import type { Direction } from "../../proof/index.ts";

/** What has gone through a proxy. */
export class TrafficCounts {
  accepted: number = 0;
  refused: number = 0;
  upstreamFailed: number = 0;
  bytesUp: number = 0;
  bytesDown: number = 0;

  add(direction: Direction, bytes: number): void {
    if (direction === "up") this.bytesUp += bytes;
    else this.bytesDown += bytes;
  }
}
