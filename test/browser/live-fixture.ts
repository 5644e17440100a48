import type {
  ClusterView,
  FaultTargetView,
  FaultView,
  HelloMessage,
  IdentifiedEvent,
  LiveMessage,
  MemberView,
  PolicyView,
  ServiceReport,
  TelemetryEvent,
} from "holdfast/telemetry";

/** When everything in the fixtures happens; pages get it as the cluster's present. */
export const fixtureNow = 1_795_279_129_000;

export const hello: HelloMessage = {
  type: "hello",
  version: 1,
  servedBy: "n1",
  release: "0.1.0",
  allows: { faults: true, plans: true, keys: true },
  everyMs: 1_000,
};

export interface ClusterOptions {
  readonly members?: number;
  readonly at?: number;
  readonly leader?: string | null;
  readonly stopped?: readonly string[];
  readonly silent?: readonly string[];
  /** Who no longer hears whom: `n1>n2`. */
  readonly cuts?: readonly string[];
  readonly suspects?: readonly string[];
  readonly term?: number;
}

/** A cluster in which every member hears every other, but for what the options say. */
export function clusterOf(options: ClusterOptions = {}): ClusterView {
  const { members = 5, at = fixtureNow, leader = "n2", stopped = [], silent = [], term = 14 } = options;
  const names = Array.from({ length: members }, (_, index) => `n${index + 1}`);
  const answering = names.filter((name) => !stopped.includes(name) && !silent.includes(name)).length;
  return {
    at,
    servedBy: "n1",
    clusterId: "8c2f61d0a4b7e913",
    leader,
    term,
    quorum: { needed: Math.floor(members / 2) + 1, answering, voters: members },
    members: names.map((name, index) => memberOf(name, index, names, options)),
    commitsPerSecond: Math.round(1_240 + 180 * Math.sin(at / 23_000) + 60 * Math.sin(at / 3_700)),
  };
}

function memberOf(name: string, index: number, names: readonly string[], options: ClusterOptions): MemberView {
  const { at = fixtureNow, leader = "n2", stopped = [], silent = [], cuts = [], suspects = [], term = 14 } = options;
  const liveness = stopped.includes(name) ? "stopped" : silent.includes(name) ? "silent" : "answers";
  const answers = liveness === "answers";
  const commit = 482_100 + Math.floor((at - fixtureNow) / 10);
  return {
    id: `${name}-id`,
    name,
    liveness,
    sinceMs: answers ? 3_725_000 : 4_200,
    role: answers ? (name === leader ? "leader" : "follower") : null,
    isLearner: false,
    isWitness: false,
    term: answers ? term : null,
    commitIndex: answers ? commit : null,
    appliedIndex: answers ? commit - index : null,
    lagEntries: answers ? index : null,
    storeBytes: answers ? 48_300_000 + index * 4_096 : null,
    residentBytes: answers ? 121_000_000 + index * 1_300_000 : null,
    clientUrl: `http://127.0.0.1:${2379 + index * 10}`,
    httpUrl: `http://127.0.0.1:${2381 + index * 10}`,
    links: answers
      ? names
          .filter((other) => other !== name)
          .map((to) => {
            const isCut = cuts.includes(`${name}>${to}`) || stopped.includes(to) || silent.includes(to);
            const isSuspect = suspects.includes(`${name}>${to}`);
            return {
              to,
              state: isCut ? "down" : isSuspect ? "suspect" : "up",
              lastHeardMs: isCut ? 4_200 : 120,
            } as const;
          })
      : [],
  };
}

let drawn = 0;

export function eventAt(at: number, nodeId: string, fact: object): IdentifiedEvent {
  drawn += 1;
  return { id: `${nodeId}:r-${drawn}`, event: { ...fact, at, nodeId, seq: drawn } as unknown as TelemetryEvent };
}

/** What happened in the minutes before. */
function storyEvents(now: number = fixtureNow): IdentifiedEvent[] {
  const member = { host: "127.0.0.1", port: 7713, incarnation: 3 };
  return [
    eventAt(now - 300_000, "n1", { type: "memberJoined", member: "n5", ...member }),
    eventAt(now - 240_000, "n4", {
      type: "faultInjected",
      fault: "delay-1",
      target: "peers of n4",
      kind: "delay",
      parameters: { delayMs: 80 },
      durationMs: 60_000,
    }),
    eventAt(now - 180_000, "n4", {
      type: "faultRemoved",
      fault: "delay-1",
      target: "peers of n4",
      kind: "delay",
      reason: "expired",
      lastedMs: 60_000,
      struck: 1_804,
    }),
    eventAt(now - 60_000, "n1", {
      type: "faultInjected",
      fault: "partition-2",
      target: "peers of n5",
      kind: "partition",
      parameters: {},
      durationMs: 120_000,
    }),
    eventAt(now - 57_000, "n1", { type: "memberSuspect", member: "n5", ...member, from: "n3", lastHeardMs: 3_000 }),
    eventAt(now - 52_000, "n1", { type: "memberFailed", member: "n5", ...member, from: "n3", lastHeardMs: 8_000 }),
    eventAt(now - 51_000, "n5", { type: "roleChanged", role: "preCandidate", term: 14 }),
    eventAt(now - 20_000, "n2", {
      type: "breakerOpened",
      policy: "payments",
      from: "closed",
      to: "open",
      reason: "failures",
      openMs: 30_000,
    }),
    eventAt(now - 9_000, "n3", { type: "leaderChanged", leader: "n2", term: 14 }),
    eventAt(now - 4_200, "n1", { type: "selfStalled", lagMs: 412 }),
  ];
}

const quiet: PolicyView = {
  kind: "retry",
  name: "",
  state: null,
  isForced: false,
  callsPerSecond: 12,
  failureRatio: 0,
  durationMs: { p50: 3.1, p90: 8.4, p99: 21 },
  counts: { succeeded: 48_210, failed: 12, retried: 96 },
  gauges: {},
  configuration: { maxAttempts: "3", baseDelayMs: "100" },
};

const breaker = { failureRatio: "0.5", minimumCalls: "20", openMs: "30000", timeoutMs: "800" };

/** Three services with policies in every state. */
export function servicesOf(now: number = fixtureNow, isTroubled: boolean = true): ServiceReport[] {
  const wave = 1 + 0.25 * Math.sin(now / 7_000) + 0.1 * Math.sin(now / 1_900);
  const instance = (
    service: string,
    name: string,
    policies: readonly PolicyView[],
    unwell: boolean,
  ): ServiceReport => ({
    service,
    instance: name,
    at: now - 800,
    startedAt: now - 7_200_000,
    health: {
      state: unwell ? "degraded" : "healthy",
      isLive: true,
      isReady: true,
      isDraining: false,
      components: [
        { name: "database", state: "healthy", isCritical: true, details: null, checkedAt: now - 1_000 },
        {
          name: "payments",
          state: unwell ? "unhealthy" : "healthy",
          isCritical: false,
          details: unwell ? "breaker open" : null,
          checkedAt: now - 1_000,
        },
      ],
    },
    policies,
    errors: unwell
      ? [
          {
            fingerprint: "a1b2",
            kind: "timeout",
            code: "TIMEOUT",
            message: "payments.charge took longer than 800 ms",
            count: 1_204,
            ratePerSecond: 4.2,
            firstAt: now - 900_000,
            lastAt: now - 300,
          },
        ]
      : [],
    omitted: 0,
  });
  const payments = (state: string): PolicyView => ({
    ...quiet,
    kind: "circuitBreaker",
    name: "payments",
    state,
    callsPerSecond: (state === "open" ? 41 : 38) * wave,
    failureRatio: state === "open" ? 0.83 : 0.02,
    durationMs: { p50: 42, p90: 310, p99: 804 },
    counts: { succeeded: 18_204, failed: 2_113, rejected: 9_870 },
    configuration: breaker,
  });
  const others = (seed: number): PolicyView[] => [
    {
      ...quiet,
      kind: "bulkhead",
      name: "database",
      state: null,
      gauges: { active: 9 + seed, waiting: seed * 3, limit: 16 },
      callsPerSecond: 210 * wave,
    },
    {
      ...quiet,
      kind: "rateLimiter",
      name: "public-api",
      callsPerSecond: 88 * wave,
      failureRatio: 0.11,
      counts: { succeeded: 90_000, rejected: 11_000 },
    },
    {
      ...quiet,
      kind: "circuitBreaker",
      name: "search",
      state: seed === 0 ? "halfOpen" : "closed",
      configuration: breaker,
      callsPerSecond: 6,
      failureRatio: 0.31,
    },
    {
      ...quiet,
      kind: "circuitBreaker",
      name: "mail",
      state: "forcedOpen",
      isForced: true,
      configuration: breaker,
      callsPerSecond: 0,
      failureRatio: null,
      durationMs: null,
    },
    { ...quiet, kind: "timeout", name: "checkout", callsPerSecond: 64 * wave },
    { ...quiet, kind: "hedge", name: "catalogue", callsPerSecond: 130 * wave },
    {
      ...quiet,
      kind: "cache",
      name: "prices",
      callsPerSecond: 900 * wave,
      durationMs: { p50: 0.04, p90: 0.2, p99: 6 },
    },
  ];
  return [
    instance("orders", "orders-1", [payments(isTroubled ? "open" : "closed"), ...others(0)], isTroubled),
    instance("orders", "orders-2", [payments("closed"), ...others(1)], false),
    instance("orders", "orders-3", [payments(isTroubled ? "open" : "closed"), ...others(2)], isTroubled),
    instance("basket", "basket-1", others(1), false),
  ];
}

const delayMs = { name: "delayMs", unit: "ms", defaultValue: 200, min: 0, max: 60_000 } as const;

export const targets: readonly FaultTargetView[] = ["n1", "n2", "n3", "n4", "n5"].flatMap((name) => [
  {
    name: `process-${name}`,
    label: `process of ${name}`,
    members: [name],
    kinds: [
      { kind: "pause", label: "pause", parameters: [] },
      { kind: "kill", label: "kill and restart", parameters: [] },
    ],
  },
  {
    name: `peers-${name}`,
    label: `peers of ${name}`,
    members: [name],
    kinds: [
      { kind: "partition", label: "cut off", parameters: [] },
      { kind: "delay", label: "delay", parameters: [delayMs] },
    ],
  },
]);

export function faultOn(target: string, kind: string, now: number = fixtureNow): FaultView {
  return {
    id: `${kind}-2`,
    target,
    kind,
    parameters: {},
    injectedAt: now - 60_000,
    endsAt: now + 60_000,
    struck: 5_120,
  };
}

/** A member that nobody hears, and one way that is doubtful. */
export const storyTrouble: Required<Pick<ClusterOptions, "cuts" | "suspects">> = {
  cuts: ["n1", "n2", "n3", "n4"].flatMap((name) => [`${name}>n5`, `n5>${name}`]),
  suspects: ["n4>n3"],
};

/** Everything that a page can show, at one moment: an isolated member, an open breaker, a plan that waits. */
export function storyMessages(now: number = fixtureNow): LiveMessage[] {
  const past = Array.from({ length: 300 }, (_, second): LiveMessage[] => {
    const at = now - (300 - second) * 1_000;
    const isCut = second > 240;
    const cluster: LiveMessage = {
      type: "cluster",
      cluster: clusterOf({ at, ...(isCut ? { cuts: storyTrouble.cuts } : {}) }),
    };
    return second % 2 === 0 ? [cluster, { type: "services", services: servicesOf(at, second > 280) }] : [cluster];
  });
  return [
    hello,
    ...past.flat(),
    { type: "cluster", cluster: clusterOf({ at: now, ...storyTrouble }) },
    { type: "services", services: servicesOf(now) },
    {
      type: "plans",
      plans: [
        {
          execution: "ex-1042",
          plan: "restore-orders-database",
          status: "running",
          startedAt: now - 95_000,
          endedAt: null,
          cause: null,
          approvals: ["promote-replica"],
          steps: [
            { id: "check-backup", type: "command", status: "completed", attempts: 1, error: null },
            { id: "stop-writers", type: "configuration", status: "completed", attempts: 2, error: null },
            { id: "promote-replica", type: "approval", status: "waiting", attempts: 1, error: null },
            { id: "resume-writers", type: "configuration", status: "pending", attempts: 0, error: null },
          ],
        },
        {
          execution: "ex-1040",
          plan: "rotate-keys",
          status: "failed",
          startedAt: now - 4_000_000,
          endedAt: now - 3_940_000,
          cause: "step distribute: connection refused",
          approvals: [],
          steps: [{ id: "distribute", type: "command", status: "failed", attempts: 3, error: "connection refused" }],
        },
      ],
    },
    {
      type: "drills",
      drills: [
        {
          drill: "leader-kill",
          verdict: "running",
          phase: "faults",
          startedAt: now - 12_000,
          endedAt: null,
          measures: { acknowledged: 18_220, lost: 0, longestGapMs: null },
        },
        {
          drill: "disk-full",
          verdict: "passed",
          phase: "report",
          startedAt: now - 900_000,
          endedAt: now - 860_000,
          measures: { acknowledged: 40_118, lost: 0, longestGapMs: 612 },
        },
      ],
    },
    { type: "faults", faults: [faultOn("peers-n5", "partition", now)], targets },
    { type: "events", events: storyEvents(now) },
    { type: "lost", nodeId: "n3", count: 12 },
  ];
}

const nodeCount = 100;

/** A hundred members and ten thousand events of them, drawn from one seed. */
export function crowdMessages(now: number = fixtureNow, events: number = 10_000): LiveMessage[] {
  const random = numbersFrom(7);
  const kinds = ["memberSuspect", "memberCleared", "roleChanged", "leaderChanged", "request", "selfStalled"] as const;
  const drawnEvents = Array.from({ length: events }, (_, index): IdentifiedEvent => {
    const nodeId = `n${1 + Math.floor(random() * nodeCount)}`;
    const at = now - Math.floor((1 - index / events) * 600_000);
    return eventAt(at, nodeId, factOf(kinds[Math.floor(random() * kinds.length)] ?? "request", random));
  });
  return [
    hello,
    {
      type: "cluster",
      cluster: clusterOf({ members: nodeCount, at: now, stopped: ["n17"], silent: ["n40"], cuts: ["n3>n9", "n9>n3"] }),
    },
    { type: "events", events: drawnEvents },
  ];
}

export function factOf(type: string, random: () => number): object {
  const member = { member: `n${1 + Math.floor(random() * nodeCount)}`, host: "127.0.0.1", port: 7_000, incarnation: 1 };
  if (type === "request")
    return { type, method: "/etcdserverpb.KV/Put", transport: "grpc", code: 0, durationMs: random() * 9, error: null };
  if (type === "roleChanged") return { type, role: "follower", term: 14 };
  if (type === "leaderChanged") return { type, leader: "n2", term: 14 };
  if (type === "selfStalled") return { type, lagMs: 40 + random() * 400 };
  return { type, ...member, from: "n1", lastHeardMs: 900 };
}

/** Numbers in 0..1 that are the same for the same seed (a linear congruential generator). */
export function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
