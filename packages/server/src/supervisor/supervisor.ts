import { exitCodes } from "../cli/exit.ts";
import { nodeArguments, type ClusterPlan, type MemberPlan } from "./cluster-plan.ts";
import { describeExit, startMemberProcess, type MemberExit, type MemberProcess } from "./member-process.ts";
import { restartPolicy, type RestartPolicy } from "./restart-policy.ts";

/**
 * `starting`: the process runs and is not ready. `restarting`: it died and waits for its next life. `down`: it died and
 * nobody restarts it. `failed`: it was given up.
 */
export type MemberState = "starting" | "alive" | "restarting" | "down" | "failed" | "stopped";

export interface SupervisedMember {
  readonly plan: MemberPlan;
  readonly state: MemberState;
  /** Monotonic milliseconds since which it has been in this state. */
  readonly sinceMs: number;
  readonly pid: number | undefined;
  /** Lives after the first. */
  readonly restarts: number;
  /** How its last life ended. */
  readonly lastExit: MemberExit | undefined;
  /** Why it must not be started any more; undefined while it may be, and for one that was merely given up. */
  readonly lost: string | undefined;
}

/** What happened to one member, in words for people. */
export interface SupervisorEvent {
  readonly member: string;
  /** `said`: its own words, while it was alive. `lost`: it must not be started any more. */
  readonly kind: "alive" | "died" | "failed" | "lost" | "said";
  readonly text: string;
}

export interface SupervisorOptions {
  readonly plan: ClusterPlan;
  /** Whether a member that dies is started again; else `start` does it. Default true. */
  readonly restart?: boolean;
  /** How a member is started. Default: as the plan says. */
  readonly launch?: (member: MemberPlan, onSaid: (line: string) => void) => MemberProcess;
  /** Asked before each start: why a member must not be started; undefined when it may. */
  readonly refuse?: (member: MemberPlan) => string | undefined;
  readonly onEvent?: (event: SupervisorEvent) => void;
  /** A member was added, or dropped: its process is gone by then. */
  readonly onMembers?: (change: { readonly added?: MemberPlan; readonly dropped?: string }) => void;
}

/** The members of a plan, each a child process. */
export interface Supervisor {
  members(): readonly SupervisedMember[];
  member(name: string): SupervisedMember;
  /** Kills a member as a crash would, and resolves once the process is gone. @throws Error when it was not running */
  kill(name: string): Promise<{ readonly pid: number; readonly sentAtMs: number; readonly exit: MemberExit }>;
  /** From now on the member is not started again when it dies, until `release`. */
  hold(name: string): void;
  /** Ends `hold`, and starts the member if it is down; resolves when it is ready. @throws Error when it does not come back */
  release(name: string): Promise<void>;
  /** Starts one more member. @throws Error when there is one of that name, or all are being stopped */
  add(member: MemberPlan): void;
  /** Ends a member's process, if it has one, and forgets it. */
  drop(name: string): Promise<void>;
  /** Starts a member that is down; resolves when it is ready. */
  start(name: string): Promise<void>;
  /** Resolves when every member is ready, or as soon as one is given up or the time is over: true when all are alive. */
  allAlive(timeoutMs: number): Promise<boolean>;
  /** Asks all to stop, kills who has not after `graceMs` (default 5 000), and names those killed. Idempotent. */
  stop(graceMs?: number): Promise<readonly string[]>;
}

interface Slot {
  readonly plan: MemberPlan;
  readonly policy: RestartPolicy;
  state: MemberState;
  sinceMs: number;
  child: MemberProcess | undefined;
  lives: number;
  lastExit: MemberExit | undefined;
  lost: string | undefined;
  isDropped: boolean;
  timer: NodeJS.Timeout | undefined;
  isHeld: boolean;
}

/** How a member that finds itself removed says so before it ends. */
const saysRemoved = /was removed from its cluster for good/;
/** What is neither an error's message, as the command begins it, nor its stack. */
const isNotice = /^(?!holdfast: )\S/;

export function superviseCluster(options: SupervisorOptions): Supervisor {
  const { plan, restart = true, refuse, onEvent, onMembers } = options;
  const start = options.launch ?? ((member, onSaid) => startMemberProcess(nodeArguments(plan, member), onSaid));
  const slots = new Map(plan.members.map((member) => [member.name, newSlot(member)]));
  const waiters = new Set<() => void>();
  let stopping: Promise<readonly string[]> | undefined;

  function enter(slot: Slot, state: MemberState): void {
    slot.state = state;
    slot.sinceMs = performance.now();
    for (const waiter of waiters) waiter();
  }

  function launch(slot: Slot): void {
    slot.lost = refuse?.(slot.plan);
    if (slot.lost !== undefined) {
      enter(slot, "failed");
      onEvent?.({ member: slot.plan.name, kind: "lost", text: `is not started any more: ${slot.lost}` });
      return;
    }
    const child = start(slot.plan, (text) => {
      // How its life ends is told with its end.
      if (slot.state !== "alive" || !isNotice.test(text)) return;
      onEvent?.({ member: slot.plan.name, kind: "said", text });
    });
    slot.child = child;
    slot.lives++;
    enter(slot, "starting");
    void follow(slot, child);
  }

  async function follow(slot: Slot, child: MemberProcess): Promise<void> {
    if ((await child.ready) && !slot.isDropped) {
      enter(slot, "alive");
      onEvent?.({ member: slot.plan.name, kind: "alive", text: slot.lives === 1 ? "ready" : "ready again" });
    }
    const exit = await child.exited;
    slot.child = undefined;
    slot.lastExit = exit;
    afterExit(slot, exit);
  }

  function afterExit(slot: Slot, exit: MemberExit): void {
    const member = slot.plan.name;
    if (stopping !== undefined || slot.isDropped) return enter(slot, "stopped");
    const how = describeExit(exit);
    if (!restart || slot.isHeld) {
      enter(slot, "down");
      onEvent?.({ member, kind: "died", text: how });
      return;
    }
    if (saysRemoved.test(exit.lastWords)) {
      slot.lost = "it was removed from its cluster";
      enter(slot, "failed");
      onEvent?.({ member, kind: "lost", text: `is not started any more: ${slot.lost}` });
      return;
    }
    // A first life that ends by usage or environment ends the same way every time: say so at once.
    const hopeless = slot.lives === 1 && (exit.code === exitCodes.usage || exit.code === exitCodes.environment);
    const delayMs = hopeless ? undefined : slot.policy.afterDeath(exit.ranMs);
    if (delayMs === undefined) {
      enter(slot, "failed");
      onEvent?.({ member, kind: "failed", text: `${how}; given up` });
      return;
    }
    enter(slot, "restarting");
    slot.timer = setTimeout(() => launch(slot), delayMs);
    onEvent?.({ member, kind: "died", text: `${how}; restarting in ${delayMs} ms` });
  }

  function slotOf(name: string): Slot {
    const slot = slots.get(name);
    if (slot === undefined) throw new Error(`no member is named ${name}`);
    return slot;
  }

  /** Resolves with the condition's last value: when it holds, or when the time is over. */
  function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (condition()) finish();
      };
      const finish = (): void => {
        clearTimeout(timer);
        waiters.delete(check);
        resolve(condition());
      };
      const timer = setTimeout(finish, timeoutMs);
      waiters.add(check);
      check();
    });
  }

  async function stop(graceMs: number): Promise<readonly string[]> {
    const running: { name: string; child: MemberProcess }[] = [];
    for (const slot of slots.values()) {
      clearTimeout(slot.timer);
      if (slot.child === undefined) enter(slot, "stopped");
      else running.push({ name: slot.plan.name, child: slot.child });
    }
    const killed: string[] = [];
    await Promise.all(
      running.map(async ({ name, child }) => {
        child.signal("SIGTERM");
        const timer = setTimeout(() => {
          if (child.signal("SIGKILL")) killed.push(name);
        }, graceMs);
        await child.exited;
        clearTimeout(timer);
      }),
    );
    return killed;
  }

  async function startDown(slot: Slot): Promise<void> {
    const { name } = slot.plan;
    if (slot.child !== undefined || stopping !== undefined) throw new Error(`${name} is ${slot.state}, not down`);
    launch(slot);
    await until(() => slot.state !== "starting", 30_000);
    if (slot.state === "alive") return;
    throw new Error(
      `${name} did not come back: ${slot.lastExit === undefined ? "no answer" : describeExit(slot.lastExit)}`,
    );
  }

  for (const slot of slots.values()) launch(slot);
  return {
    members: () => [...slots.values()].map(describeSlot),
    member: (name) => describeSlot(slotOf(name)),
    async kill(name) {
      const { child } = slotOf(name);
      const sentAtMs = performance.now();
      if (child?.pid === undefined || !child.signal("SIGKILL")) throw new Error(`${name} is not running`);
      return { pid: child.pid, sentAtMs, exit: await child.exited };
    },
    hold(name) {
      const slot = slotOf(name);
      slot.isHeld = true;
      clearTimeout(slot.timer);
      if (slot.state === "restarting") enter(slot, "down");
    },
    async release(name) {
      const slot = slotOf(name);
      slot.isHeld = false;
      if (slot.child === undefined && slot.state === "down" && stopping === undefined) await startDown(slot);
    },
    add(member) {
      if (slots.has(member.name)) throw new Error(`there is a member ${member.name}`);
      if (stopping !== undefined) throw new Error("all members are being stopped");
      const slot = newSlot(member);
      slots.set(member.name, slot);
      launch(slot);
      onMembers?.({ added: member });
    },
    async drop(name) {
      const slot = slotOf(name);
      slot.isDropped = true;
      clearTimeout(slot.timer);
      slots.delete(name);
      slot.child?.signal("SIGKILL");
      await slot.child?.exited;
      onMembers?.({ dropped: name });
    },
    start: (name) => startDown(slotOf(name)),
    async allAlive(timeoutMs) {
      const all = [...slots.values()];
      const over = (): boolean =>
        all.every((slot) => slot.state === "alive") ||
        all.some((slot) => slot.state === "failed" || slot.state === "down");
      await until(over, timeoutMs);
      return all.every((slot) => slot.state === "alive");
    },
    stop: (graceMs = 5000) => (stopping ??= stop(graceMs)),
  };
}

function newSlot(plan: MemberPlan): Slot {
  const sinceMs = performance.now();
  return {
    plan,
    policy: restartPolicy(),
    state: "starting",
    sinceMs,
    child: undefined,
    lives: 0,
    lastExit: undefined,
    lost: undefined,
    isDropped: false,
    timer: undefined,
    isHeld: false,
  };
}

function describeSlot(slot: Slot): SupervisedMember {
  return {
    plan: slot.plan,
    state: slot.state,
    sinceMs: slot.sinceMs,
    pid: slot.child?.pid,
    restarts: Math.max(0, slot.lives - 1),
    lastExit: slot.lastExit,
    lost: slot.lost,
  };
}
