import { setImmediate as breath, setTimeout as delay } from "node:timers/promises";
import { nodeRuntime, type Clock } from "holdfast/runtime";
import type { ClusterView, DrillView, IdentifiedEvent, LiveMessage } from "holdfast/telemetry";
import type { Connections } from "../client/connections.ts";
import { ClusterHistory } from "../history/cluster-history.ts";
import { historyDocument, type HistoryDocument } from "../history/history-answer.ts";
import { historyMessages } from "../history/history-messages.ts";
import { stepOf } from "../history/history-ring.ts";
import { memberHistory, type MemberHistory } from "../history/member-history.ts";
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
  /** By which a member remembers its own numbers. Default the system's. */
  readonly clock?: Clock;
}

/** What is told one state after the other; events are told one by one. */
export type StateKind = "cluster" | "services" | "plans" | "drills" | "faults";
export type HubChange = StateKind | "events";

/** A `cluster` message comes at least as often. */
export const everyMs = 1_000;
const pollMs = 250;
/** What has changed is told as often, at most. */
const spacingMs = 200;
/** Of services whose states stay as they are, the rates: whole reports are much to tell. */
const ratesMs = 1_000;
/** After another member has asked. */
const askedForMs = 5_000;
/** Events of several members are put in order of time within so long. */
const gatherMs = 50;
/** What takes long to tell is told less often: of one kind, a twentieth of the time at most. */
const restPerWork = 20;
const longestSpacingMs = 5_000;
/** Of so many members it is known how far they had been read, those that are gone among them. */
const maxPlaces = 1_000;
/** Whoever asks within this time is told the same of what was before. */
const historyKeptMs = 2_000;
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
  readonly #forgotten = new Set<string>();
  /** Of a state as it was told last, or asked for first: one for all pages. */
  readonly #texts = new Map<StateKind, Buffer>();
  readonly #listeners = new Set<(change: HubChange) => void>();
  readonly #spacing = new Map<StateKind, { readonly dueMs: number; readonly timer: NodeJS.Timeout }>();
  readonly #toldMs = new Map<StateKind, number>();
  readonly #clock: Clock;
  readonly #own: MemberHistory | undefined;
  readonly #history: ClusterHistory;
  #historyTexts: Promise<readonly Buffer[]> | undefined;
  readonly #workMs = new Map<StateKind, number>();
  #gathered: IdentifiedEvent[] = [];
  #gathering: NodeJS.Timeout | undefined;
  #tick: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #lingering: NodeJS.Timeout | undefined;
  #isClosed = false;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(options: HubOptions) {
    this.#options = options;
    this.shelf = new ServiceShelf({
      now: () => performance.now(),
      wallTime: () => this.#clock.wallTime(),
      onChange: (isUrgent) => this.#changed("services", isUrgent ? spacingMs : ratesMs),
    });
    this.#cluster = new ClusterWatch({
      ...options,
      pollMs,
      onChange: () => this.#changed("cluster"),
      onReports: ({ services, left, refused }, member) => {
        this.shelf.takeOthers(services, left);
        if (refused !== undefined) this.shelf.refusedBy(member, refused);
      },
    });
    const { self, connections, token, clock = nodeRuntime().clock } = options;
    this.#clock = clock;
    this.#own = self && memberHistory(clock, () => self.word().status.member);
    this.#history = new ClusterHistory({
      connections,
      token,
      origins: () => this.#cluster.origins(),
      self: self && this.#own && { name: self.name, ring: this.#own.ring },
      policies: this.shelf.history.book,
      wallTime: () => clock.wallTime(),
    });
    this.#local =
      options.events &&
      localFeed(options.events, {
        onEvents: (events) => this.#gather(events),
        onLost: (nodeId, count) => this.#lose(nodeId, count),
        onForgotten: (nodeId) => this.#forget(nodeId),
      });
  }

  get isWatching(): boolean {
    return this.#tick !== undefined;
  }

  /** Whether somebody looks, here or by way of another member. */
  get isWatched(): boolean {
    return this.isWatching || performance.now() - this.#askedMs < askedForMs;
  }

  /** Another member wants to know, for whoever watches there. */
  asked(): void {
    this.#askedMs = performance.now();
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
        return this.#services();
      case "plans":
        return { type: "plans", plans: plans?.plans ?? [] };
      case "drills":
        return { type: "drills", drills: drills?.() ?? [] };
      default:
        return { type: "faults", faults: faults?.faults() ?? [], targets: faults?.targets() ?? [] };
    }
  }

  /** A state as a stream sends it. */
  text(kind: StateKind): Buffer {
    const known = this.#texts.get(kind);
    if (known !== undefined) return known;
    const text = Buffer.from(`data: ${JSON.stringify(this.state(kind))}\n\n`);
    this.#texts.set(kind, text);
    return text;
  }

  /** What this process remembers of the steps from one on, for another that puts together what all do. */
  ownHistory(since: number): HistoryDocument {
    return historyDocument(stepOf(this.#clock.wallTime()), since, this.#own?.ring, this.shelf.history.book);
  }

  /** What was before, of the whole cluster, as streams send it: put together once for all that ask at about the same time. */
  history(): Promise<readonly Buffer[]> {
    if (this.#historyTexts === undefined) {
      this.#historyTexts = this.#gatherHistory();
      setTimeout(() => (this.#historyTexts = undefined), historyKeptMs).unref();
    }
    return this.#historyTexts;
  }

  /** Nodes that had forgotten events before they were first asked here: whoever watched elsewhere may miss them. */
  get forgotten(): ReadonlySet<string> {
    return this.#forgotten;
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
    this.#own?.close();
    this.#stop();
  }

  async #gatherHistory(): Promise<readonly Buffer[]> {
    while (!this.isReady && this.isWatching) await delay(20);
    await this.#history.refresh();
    const texts: Buffer[] = [];
    for (const message of historyMessages(this.#history, stepOf(this.#clock.wallTime()))) {
      texts.push(Buffer.from(`data: ${JSON.stringify(message)}\n\n`));
      // Members must hear each other meanwhile.
      await breath();
    }
    return texts;
  }

  #start(): void {
    this.#texts.clear();
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
    for (const { timer } of this.#spacing.values()) clearTimeout(timer);
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
        onForgotten: (nodeId) => this.#forget(nodeId),
      });
      this.#feeds.set(name, { origin, feed });
    }
  }

  #unfollow(name: string): void {
    const followed = this.#feeds.get(name);
    if (followed === undefined) return;
    this.#feeds.delete(name);
    if (followed.feed.place !== undefined) this.#places.set(name, followed.feed.place);
    const [oldest] = this.#places.keys();
    if (this.#places.size > maxPlaces && oldest !== undefined) this.#places.delete(oldest);
    followed.feed.close();
  }

  #forget(nodeId: string): void {
    if (this.#forgotten.size >= maxPlaces || this.#forgotten.has(nodeId)) return;
    this.#forgotten.add(nodeId);
    this.#tell("events");
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
  #changed(kind: StateKind, apartMs: number = spacingMs): void {
    if (!this.isWatching) return;
    const restMs = Math.min(longestSpacingMs, Math.max(apartMs, restPerWork * (this.#workMs.get(kind) ?? 0)));
    const dueMs = (this.#toldMs.get(kind) ?? Number.NEGATIVE_INFINITY) + restMs;
    const planned = this.#spacing.get(kind);
    if (planned !== undefined && planned.dueMs <= dueMs) return;
    const leftMs = dueMs - performance.now();
    if (leftMs <= 0) return this.#tellNow(kind);
    clearTimeout(planned?.timer);
    this.#spacing.set(kind, { dueMs, timer: setTimeout(() => this.#tellNow(kind), leftMs) });
  }

  #services(): LiveMessage {
    const { shelf } = this;
    const { refused } = shelf;
    const absent = shelf.absent();
    return {
      type: "services",
      services: shelf.all(),
      ...(absent.length === 0 ? {} : { absent }),
      ...(refused === undefined ? {} : { refused }),
    };
  }

  #tellNow(kind: StateKind): void {
    const startedMs = performance.now();
    clearTimeout(this.#spacing.get(kind)?.timer);
    this.#spacing.delete(kind);
    this.#texts.delete(kind);
    this.#tell(kind);
    const nowMs = performance.now();
    this.#workMs.set(kind, nowMs - startedMs);
    this.#toldMs.set(kind, nowMs);
  }

  #tell(change: HubChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
