import type { NodeId, PeerTransport } from "../../consensus/index.ts";

/** A transport that also turns away whoever the replicated state says was removed, before this process began, too. */
export interface RemovedPeers extends PeerTransport {
  /** The replicated state knows of more of them. */
  refresh(): void;
}

export function refuseRemoved(transport: PeerTransport, removed: () => ReadonlySet<bigint>): RemovedPeers {
  let peers: ReadonlyMap<NodeId, string> | undefined;
  let known: ReadonlySet<NodeId> = new Set();
  let told = 0;

  function tell(): void {
    if (peers === undefined) return;
    told = removed().size;
    const members = peers;
    const gone = [...removed()].map(Number).filter((id) => !members.has(id));
    transport.setPeers(peers, new Set([...known, ...gone]));
  }

  return {
    start: (handler) => transport.start(handler),
    send: (message) => transport.send(message),
    setPeers(nextPeers, nextRemoved) {
      peers = nextPeers;
      known = nextRemoved;
      tell();
    },
    refresh() {
      if (removed().size !== told) tell();
    },
    close: () => transport.close(),
  };
}
