import { setTimeout as delay } from "node:timers/promises";
import type { ClusterView, DrillView, IdentifiedEvent, LiveMessage } from "holdfast/telemetry";
import type { Connections } from "../client/connections.ts";
import { ClusterWatch } from "./cluster-watch.ts";
import { EventFeed, type FeedPlace } from "./event-feed.ts";
import { EventLog } from "./event-log.ts";
import type { FaultDesk } from "./fault-desk.ts";
import { localFeed, type LocalEvents, type LocalFeed } from "./local-feed.ts";
import type { KnownMember, MemberProcessState, MemberWord } from "./member-word.ts";
import type { PlanWatch } from "./plan-watch.ts";
import { ServiceShelf } from "./service-shelf.ts";

export interface HubOptions {
  readonly servedBy: string;
  readonly connections: Connections;
  readonly token: string | undefined;
  /** Whom the cluster may consist of, before anybody has answered. */
  readonly known: () => readonly KnownMember[];
  /** The member that serves, which need not be asked over the network. */
  readonly self?: { readonly name: string; readonly word: () => MemberWord };
  readonly processOf?: (name: string) => MemberProcessState | undefined;
  /** Of this process. */
  readonly events?: LocalEvents;
  readonly plans?: PlanWatch | undefined;
  readonly faults?: Pick<FaultDesk, "faults" | "targets"> | undefined;
  readonly drills?: () => readonly DrillView[];
}

/** What is told one state after the other; events are told one by one. */
export type StateKind = "cluster" | "services" | "plans" | "drills" | "faults";
export type HubChange = StateKind | "events";

/** A `cluster` message comes at least as often. */
export const everyMs = 1_000;
const pollMs = 250;
/** What has changed is told as often, at most. */
const spacingMs = 200;
/** Events of several members are put in order of time within so long. */
const gatherMs = 50;
/** Whoever comes back within this time finds everything as it was. */
const lingerMs = 30_000;

/** Looks at the whole cluster for as long as somebody watches. */
export class LiveHub {
  readonly log: EventLog = new EventLog();
  readonly shelf: ServiceShelf;
  readonly #options: HubOptions;
  readonly #cluster: ClusterWatch;
  readonly #local: LocalFeed | undefined;
  readonly #feeds = new Map<string, { readonly origin: string; readonly feed: EventFeed }>();
  readonly #places = new Map<string, FeedPlace>();
  readonly #listeners = new Set<(change: HubChange) => void>();
  readonly #spacing = new Map<StateKind, NodeJS.Timeout>();
  readonly #toldMs = new Map<StateKind, number>();
  #gathered: IdentifiedEvent[] = [];
  #gathering: NodeJS.Timeout | undefined;
  #tick: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #lingering: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.shelf = new ServiceShelf({ now: () => performance.now(), onChange: () => this.#changed("services") });
    this.#cluster = new ClusterWatch({
      ...options,
      pollMs,
      onChange: () => this.#changed("cluster"),
      onReports: (reports) => this.shelf.takeOthers(reports),
    });
    const onLost = (nodeId: string, count: number | null): void => this.#lose(nodeId, count);
    this.#local = options.events && localFeed(options.events, (events) => this.#gather(events), onLost);
  }

  get isWatching(): boolean {
    return this.#tick !== undefined;
  }

  /** Whether everybody has been asked. */
  get isReady(): boolean {
    return this.isWatching && this.#cluster.isReady;
  }

  /** The cluster as it is known at this moment. */
  cluster(): ClusterView {
    return this.#cluster.view();
  }

  /** What a state is now. */
  state(kind: StateKind): LiveMessage {
    const { plans, faults, drills } = this.#options;
    switch (kind) {
      case "cluster":
        return { type: "cluster", cluster: this.cluster() };
      case "services":
        return { type: "services", services: this.shelf.all() };
      case "plans":
        return { type: "plans", plans: plans?.plans ?? [] };
      case "drills":
        return { type: "drills", drills: drills?.() ?? [] };
      default:
        return { type: "faults", faults: faults?.faults() ?? [], targets: faults?.targets() ?? [] };
    }
  }

  /** Calls back whenever something is to be told. Returns what takes it back. */
  watch(listener: (change: HubChange) => void): () => void {
    this.#listeners.add(listener);
    clearTimeout(this.#lingering);
    if (!this.isWatching && !this.#isClosed) this.#start();
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#lingering = setTimeout(() => this.#stop(), lingerMs);
      this.#lingering.unref();
    };
  }

  /** Something has happened to a process: looks at once. */
  hurry(): void {
    if (this.isWatching) this.#cluster.hurry();
  }

  faultsChanged(): void {
    this.#changed("faults");
    this.hurry();
  }

  drillsChanged(): void {
    this.#changed("drills");
    this.hurry();
  }

  /** The cluster as it is now, looked at for this purpose when nobody watches. */
  async current(): Promise<ClusterView> {
    const unwatch = this.watch(() => undefined);
    try {
      while (!this.isReady && !this.#isClosed) await delay(20);
      return this.cluster();
    } finally {
      unwatch();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    clearTimeout(this.#lingering);
    this.#stop();
  }

  #start(): void {
    this.#cluster.start();
    this.#local?.resume();
    this.#options.plans?.start(() => this.#changed("plans"));
    this.#tick = setInterval(() => {
      this.#cluster.look();
      this.#follow();
    }, pollMs);
    this.#beat = setInterval(
      () => {
        if (this.shelf.sweep()) this.#changed("services");
        if (performance.now() - (this.#toldMs.get("cluster") ?? 0) >= everyMs - spacingMs) this.#tellNow("cluster");
        // How long faults still last, and how often they have struck.
        if ((this.#options.faults?.faults().length ?? 0) > 0) this.#changed("faults");
      },
      everyMs - spacingMs / 2,
    );
    this.#follow();
  }

  #stop(): void {
    this.#cluster.stop();
    this.#local?.pause();
    this.#options.plans?.stop();
    clearInterval(this.#tick);
    clearInterval(this.#beat);
    clearTimeout(this.#gathering);
    this.#gathering = this.#tick = undefined;
    this.#flush();
    for (const timer of this.#spacing.values()) clearTimeout(timer);
    this.#spacing.clear();
    for (const name of this.#feeds.keys()) this.#unfollow(name);
  }

  /** Listens to the events of whoever is a member. */
  #follow(): void {
    const origins = this.#cluster.origins();
    for (const [name, { origin }] of this.#feeds) if (origins.get(name) !== origin) this.#unfollow(name);
    for (const [name, origin] of origins) {
      if (this.#feeds.has(name)) continue;
      const feed = new EventFeed({
        origin,
        connections: this.#options.connections,
        place: this.#places.get(name),
        onEvents: (events) => this.#gather(events),
        onLost: (nodeId, count) => this.#lose(nodeId, count),
      });
      this.#feeds.set(name, { origin, feed });
    }
  }

  #unfollow(name: string): void {
    const followed = this.#feeds.get(name);
    if (followed === undefined) return;
    this.#feeds.delete(name);
    if (followed.feed.place !== undefined) this.#places.set(name, followed.feed.place);
    followed.feed.close();
  }

  #gather(events: readonly IdentifiedEvent[]): void {
    for (const event of events) this.#gathered.push(event);
    this.#gathering ??= setTimeout(() => this.#flush(), gatherMs);
  }

  #flush(): void {
    this.#gathering = undefined;
    if (this.#gathered.length === 0) return;
    this.log.add(this.#gathered.toSorted((left, right) => left.event.at - right.event.at));
    this.#gathered = [];
    this.#tell("events");
    // Roles and deaths show in what the members say of themselves.
    this.hurry();
  }

  #lose(nodeId: string, count: number | null): void {
    this.#flush();
    this.log.addLost(nodeId, count);
    this.#tell("events");
  }

  /** Tells it now, or when the last time is long enough ago. */
  #changed(kind: StateKind): void {
    if (!this.isWatching || this.#spacing.has(kind)) return;
    const sinceMs = performance.now() - (this.#toldMs.get(kind) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs >= spacingMs) return this.#tellNow(kind);
    const wait = setTimeout(() => this.#tellNow(kind), spacingMs - sinceMs);
    this.#spacing.set(kind, wait);
  }

  #tellNow(kind: StateKind): void {
    clearTimeout(this.#spacing.get(kind));
    this.#spacing.delete(kind);
    this.#toldMs.set(kind, performance.now());
    this.#tell(kind);
  }

  #tell(change: HubChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
