import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { MembershipMetrics } from "../../packages/holdfast/src/membership/membership-node.ts";
import type { Address } from "../../packages/holdfast/src/runtime/index.ts";
import { until } from "./holdfast-command.ts";
import type { MemberPlan } from "./membership-process.ts";

const program = fileURLToPath(new URL("membership-process.ts", import.meta.url));

/** What a member said, and when that arrived here: milliseconds of this process's clock. */
export interface Report {
  readonly atMs: number;
  readonly event: string;
  readonly of: string | undefined;
}

interface Answer {
  readonly members: readonly { readonly name: string; readonly state: string }[];
  readonly metrics: MembershipMetrics;
}

/** A member in a process of its own. */
export interface MemberProcess {
  readonly name: string;
  readonly child: ChildProcess;
  readonly address: Address;
  readonly reports: readonly Report[];
  /** Resolves when the process is gone. */
  readonly gone: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  look(): Promise<Answer>;
  /** `name state` of everybody it knows, sorted. */
  states(): Promise<string[]>;
  leave(): void;
  stop(): Promise<void>;
}

/** Starts a member, in a network namespace when one is named, and waits until its port is open. */
export async function startMember(plan: MemberPlan, namespace?: string): Promise<MemberProcess> {
  const line = [process.execPath, "--conditions=source", program, JSON.stringify(plan)];
  const [command = "", ...args] = namespace === undefined ? line : ["ip", "netns", "exec", namespace, ...line];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const reports: Report[] = [];
  const ready = Promise.withResolvers<Address>();
  let waiting: ((answer: Answer) => void)[] = [];
  createInterface({ input: child.stdout }).on("line", (text) => {
    const said = JSON.parse(text) as { ready?: Address; event?: string; of?: string } & Partial<Answer>;
    if (said.ready !== undefined) ready.resolve(said.ready);
    else if (said.event !== undefined) reports.push({ atMs: performance.now(), event: said.event, of: said.of });
    else if (said.members !== undefined) {
      for (const answer of waiting) answer(said as Answer);
      waiting = [];
    }
  });
  const gone = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => {
      ready.reject(new Error(`member ${plan.name} ended with ${code ?? signal} before it was ready`));
      resolve({ code, signal });
    });
  });
  // A command sent to one that has just ended.
  child.stdin.on("error", () => undefined);
  const self: MemberProcess = {
    name: plan.name,
    child,
    address: await ready.promise,
    reports,
    gone,
    look() {
      child.stdin.write("members\n");
      return new Promise((resolve) => waiting.push(resolve));
    },
    async states() {
      const { members } = await self.look();
      return members.map(({ name, state }) => `${name} ${state}`).toSorted();
    },
    leave() {
      child.stdin.write("leave\n");
    },
    async stop() {
      child.kill("SIGKILL");
      await gone;
    },
  };
  return self;
}

/** Starts `count` members named `n1`, `n2`, …, all joining through the first, and waits until each knows all. */
export async function startFleet(
  count: number,
  plan: (at: number) => Omit<MemberPlan, "name" | "seeds" | "host"> & { readonly host?: string },
): Promise<MemberProcess[]> {
  const first = await startMember({ name: "n1", host: "127.0.0.1", ...plan(0) });
  const others = Array.from({ length: count - 1 }, (_, at) =>
    startMember({ name: `n${at + 2}`, host: "127.0.0.1", seeds: [first.address], ...plan(at + 1) }),
  );
  const started = await Promise.allSettled(others);
  const members = [first, ...started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []))];
  try {
    if (members.length < count) throw new Error(`only ${members.length} of ${count} members started`);
    await untilAllSee(members, members.map(({ name }) => `${name} alive`).toSorted(), 30_000);
    return members;
  } catch (error) {
    await stopAll(members);
    throw error;
  }
}

/** Waits until each of these has exactly this list. Returns how long that took. */
export function untilAllSee(
  members: readonly MemberProcess[],
  states: readonly string[],
  timeoutMs: number,
): Promise<number> {
  const wanted = states.join();
  return until(`${members.map(({ name }) => name).join()} see ${wanted}`, timeoutMs, async () => {
    const seen = await Promise.all(members.map((member) => member.states()));
    return seen.every((list) => list.join() === wanted);
  });
}

export async function stopAll(members: readonly MemberProcess[]): Promise<void> {
  await Promise.all(members.map((member) => member.stop()));
}
