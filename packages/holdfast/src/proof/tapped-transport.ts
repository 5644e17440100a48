import type { NodeId, PeerMessage, PeerTransport } from "../consensus/index.ts";
import type { Clock } from "../runtime/index.ts";
import type { MessageTap } from "./message-tap.ts";

export interface TappedTransportOptions {
  readonly tap: MessageTap<PeerMessage>;
  /** The clock of the life that sends. */
  readonly clock: Clock;
  readonly nameOf: (peer: NodeId) => string;
}

/** A Raft node's transport whose messages pass a tap on their way out. */
export function tappedTransport(inner: PeerTransport, { tap, clock, nameOf }: TappedTransportOptions): PeerTransport {
  return {
    start: (handler) => inner.start(handler),
    send(message) {
      tap.send(message, nameOf(message.to), clock, (sent) => inner.send(sent));
    },
    setPeers: (peers, removed) => inner.setPeers(peers, removed),
    close: () => inner.close(),
  };
}
