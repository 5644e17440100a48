import { dropReasons, type DropReason } from "./packet.ts";

/** What has travelled since the start. */
export interface TransportMetrics {
  packetsSent: number;
  packetsReceived: number;
  bytesSent: number;
  bytesReceived: number;
  streamsOpened: number;
  streamsAccepted: number;
  /** Opened here, and not answered. */
  streamsFailed: number;
  /** Turned away, because too many were open. */
  streamsRefused: number;
  /** Packets, streams and messages from outside that were dropped, by reason. */
  readonly dropped: Record<DropReason, number>;
}

export function noTransportMetrics(): TransportMetrics {
  return {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    streamsOpened: 0,
    streamsAccepted: 0,
    streamsFailed: 0,
    streamsRefused: 0,
    dropped: Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>,
  };
}
