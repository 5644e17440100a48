import type { Address, Clock, Listener, Network, Random, Timer } from "../runtime/index.ts";
import type { NodeId } from "./entry.ts";
import { shielded } from "../errors/base.ts";
import { PeerAcceptor } from "./peer-acceptor.ts";
import { PeerBook } from "./peer-book.ts";
import { PeerLink } from "./peer-link.ts";
import type { PeerHandler, PeerMessage, PeerTransport } from "./peer-message.ts";
import type { Hello } from "./peer-protocol.ts";

export interface TcpTransportOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly clusterId: bigint;
  readonly id: NodeId;
  /** Where this node listens for its peers. */
  readonly listen: Address;
  /** Where its peers reach it. Default where it listens. */
  readonly advertise?: Address;
  /** The peers this node knows of; the configuration may bring others, and take these. */
  readonly peers: ReadonlyMap<NodeId, Address>;
  /** Whether followers are to send what goes along with their commands (`ProposalObserver`). Default false. */
  readonly takesNotes?: boolean;
  /**
   * How often peers that this node says nothing to are told that it is there, so that they know when they cannot hear it:
   * followers say nothing to each other. Default 0, never.
   */
  readonly beatMs?: number;
  /** A peer turned us away, or sent what it must not: told once a connection. */
  readonly onRefused?: (peer: NodeId | undefined, reason: string) => void;
}

/** How long somebody who is no peer any more is still talked to. */
const graceMs = 5_000;
/** Callers of this cluster that no configuration names yet. */
const maxGuests = 32;

/**
 * Peers over framed TCP: each node dials every other and sends on the connections it dialled, receiving on those it
 * accepted. What a broken connection held is lost, which Raft repairs.
 *
 * Whoever belongs to the cluster is heard and answered, also while it is in no configuration known here: a node whose
 * log is behind must be able to hear from a leader that was added since, and to vote for it.
 */
export function tcpTransport(options: TcpTransportOptions): PeerTransport {
  const transport = new TcpTransport(options);
  return {
    start: (handler) => transport.start(handler),
    send: (message) => transport.send(message),
    setPeers: (peers, removed) => transport.setPeers(peers, removed),
    close: () => transport.close(),
  };
}

class TcpTransport implements PeerTransport {
  readonly #options: TcpTransportOptions;
  readonly #book: PeerBook;
  readonly #links = new Map<NodeId, PeerLink>();
  #peers: ReadonlySet<NodeId>;
  /** Who is turned away since it was removed. */
  #removed: ReadonlySet<NodeId> = new Set();
  #handler: PeerHandler | undefined;
  #acceptor: PeerAcceptor | undefined;
  #listener: Listener | undefined;
  #grace: Timer | undefined;
  #closed = false;

  constructor(options: TcpTransportOptions) {
    const onRefused = shielded(options.onRefused, () => undefined);
    this.#options = onRefused === undefined ? options : { ...options, onRefused };
    this.#book = new PeerBook(options.peers);
    this.#peers = new Set(options.peers.keys());
  }

  async start(handler: PeerHandler): Promise<void> {
    const { network, listen, clock, id, onRefused, takesNotes = false, beatMs = 0 } = this.#options;
    this.#handler = handler;
    const acceptor = new PeerAcceptor({
      clock,
      id,
      greet: (hello) => this.#greet(hello),
      onMessage: (message) => handler.onMessage(message),
      onGone: (peer) => this.#dismiss(peer),
      onRefused,
      takesNotes,
      beatMs,
      saidAt: (peer) => this.#links.get(peer)?.saidAt ?? Number.NEGATIVE_INFINITY,
    });
    this.#acceptor = acceptor;
    this.#listener = await network.listen(listen, (connection) => acceptor.accept(connection));
    for (const peer of this.#peers) this.#link(peer);
  }

  send(message: PeerMessage): void {
    this.#links.get(message.to)?.send(message);
  }

  setPeers(peers: ReadonlyMap<NodeId, string>, removed: ReadonlySet<NodeId>): void {
    if (this.#closed) return;
    this.#book.configure(peers);
    this.#peers = new Set(peers.keys());
    for (const peer of this.#peers) this.#link(peer);
    this.#grace?.cancel();
    this.#grace = this.#options.clock.setTimer(graceMs, () => this.#letGo(new Set(removed)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#grace?.cancel();
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#acceptor?.close();
    await this.#listener?.close();
  }

  #greet({ clusterId, to, from, address }: Hello): string {
    const { clusterId: ours, id } = this.#options;
    if (clusterId !== ours) return `this is cluster ${ours.toString(16)}, not ${clusterId.toString(16)}`;
    if (to !== id) return `this is member ${id.toString(16)}, not ${to.toString(16)}`;
    if (this.#removed.has(from)) return `member ${from.toString(16)} was removed from this cluster`;
    if (this.#isGuest(from) && this.#guestsBut(from) >= maxGuests)
      return "too many callers that no configuration names";
    this.#handler?.onHeard?.(from);
    this.#book.tell(from, address);
    this.#link(from);
    return "";
  }

  #link(peer: NodeId): void {
    const handler = this.#handler;
    if (handler === undefined || peer === this.#options.id || this.#links.has(peer) || this.#closed) return;
    const { listen, advertise = this.#listener?.address ?? listen } = this.#options;
    const link = new PeerLink({
      ...this.#options,
      peer,
      self: advertise,
      address: (attempt) => this.#book.address(peer, attempt),
      onLost: () => handler.onUnreachable(peer),
      onHeard: (beats) => handler.onHeard?.(peer, beats),
    });
    this.#links.set(peer, link);
    link.open();
  }

  #isGuest(peer: NodeId): boolean {
    return !this.#peers.has(peer);
  }

  #guestsBut(caller: NodeId): number {
    return this.#acceptor?.count((peer) => peer !== caller && this.#isGuest(peer)) ?? 0;
  }

  /** A guest is answered as long as it calls. */
  #dismiss(peer: NodeId): void {
    if (this.#isGuest(peer) && this.#acceptor?.count((other) => other === peer) === 0) this.#unlink(peer);
  }

  #letGo(removed: ReadonlySet<NodeId>): void {
    this.#removed = removed;
    for (const peer of removed) this.#acceptor?.drop(peer);
    for (const peer of this.#links.keys()) if (!this.#peers.has(peer)) this.#dismiss(peer);
  }

  #unlink(peer: NodeId): void {
    this.#links.get(peer)?.close();
    this.#links.delete(peer);
    this.#book.forget(peer);
  }
}
