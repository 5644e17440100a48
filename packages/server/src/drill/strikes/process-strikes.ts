import { checkOptionNames } from "holdfast/errors/base";
import type { StageFaultRecord } from "holdfast/proof";
import { statusReader } from "../../client/cluster-status.ts";
import { clientUrl } from "../../supervisor/cluster-plan.ts";
import { describeTargets, memberNames, withoutThem, type StrikeKind, type StrikeSite } from "./strike.ts";

const noParameters: StrikeKind["check"] = (parameters, path) => checkOptionNames(path, parameters, []);

const round = (value: number): number => Math.round(value * 10) / 10;

/** The process is killed as a crash would, and started again. */
export const kill: StrikeKind = {
  needs: "nothing",
  check: noParameters,
  async begin(site, order) {
    const { targets, leader } = order;
    const { supervisor, condemned } = site;
    for (const target of targets) condemned.add(target);
    const killed = await Promise.all(targets.map(async (target) => ({ target, ...(await supervisor.kill(target)) })));
    const readyAfterMs = new Map<string, number>();
    return {
      what: `killed ${describeTargets(order, memberNames(site).length)}`,
      ...withoutThem(site, order),
      async heal() {
        await Promise.all(
          killed.map(async ({ target, sentAtMs }) => {
            await supervisor.start(target);
            condemned.delete(target);
            readyAfterMs.set(target, round(performance.now() - sentAtMs));
          }),
        );
      },
      records: () =>
        killed.map(({ target, pid, sentAtMs, exit }) => ({
          target,
          // It may have ended by itself in the same moment.
          happened: exit.signal === "SIGKILL",
          pid,
          role: target === leader.name ? "leader" : "follower",
          term: leader.term,
          diedAfterMs: round(exit.atMs - sentAtMs),
          readyAfterMs: readyAfterMs.get(target) ?? null,
        })),
    };
  },
};

/** The process is stopped where it stands (SIGSTOP), keeps its connections, and goes on later as if nothing had been. */
export const pause: StrikeKind = {
  needs: "orders",
  check: noParameters,
  async begin(site, order) {
    const { targets, leader } = order;
    const silent = new Map<string, boolean>();
    for (const target of targets) site.drilled(target).process.signal("SIGSTOP");
    await Promise.all(targets.map(async (target) => silent.set(target, !(await answers(site, target)))));
    return {
      what: `paused ${describeTargets(order, memberNames(site).length)}`,
      ...withoutThem(site, order),
      async heal() {
        for (const target of targets) site.drilled(target).process.signal("SIGCONT");
        await Promise.resolve();
      },
      records: () =>
        targets.map((target) => ({
          target,
          happened: silent.get(target) === true,
          role: target === leader.name ? "leader" : "follower",
          term: leader.term,
        })),
    };
  },
};

const silenceMs = 300;

async function answers(site: StrikeSite, target: string): Promise<boolean> {
  const member = site.plan.members.find(({ name }) => name === target);
  const reader = statusReader({ timeoutMs: silenceMs, tls: site.tls });
  try {
    await reader.member(member === undefined ? "" : clientUrl(member));
    return true;
  } catch {
    return false;
  } finally {
    reader.close();
  }
}

const exitMs = 15_000;

/** The targets are stopped as an operator would and started again, one after the other, each when the last one serves. */
export const rollingRestart: StrikeKind = {
  needs: "orders",
  check: noParameters,
  async begin(site, order, { signal, say }) {
    const { targets, leader } = order;
    const records: StageFaultRecord[] = [];
    // The leader last, as an operator would have it.
    const inTurn = [...targets.filter((target) => target !== leader.name), ...targets.filter((t) => t === leader.name)];
    for (const target of inTurn) {
      signal.throwIfAborted();
      site.condemned.add(target);
      const { process } = site.drilled(target);
      const askedAtMs = performance.now();
      process.signal("SIGTERM");
      const timer = setTimeout(() => process.signal("SIGKILL"), exitMs);
      const exit = await process.exited;
      clearTimeout(timer);
      await site.supervisor.start(target);
      site.condemned.delete(target);
      await site.untilServing(signal);
      const record = {
        target,
        // One that had to be killed was no restart.
        happened: exit.code === 0,
        pid: process.pid ?? null,
        stoppedAfterMs: round(exit.atMs - askedAtMs),
        readyAfterMs: round(performance.now() - askedAtMs),
      };
      records.push(record);
      say(`restarted ${target}: back and served after ${record.readyAfterMs} ms`);
    }
    return {
      what: `restarted ${inTurn.join(", ")}, one after the other`,
      mustElect: false,
      canServe: true,
      heal: () => Promise.resolve(),
      records: () => records,
    };
  },
};
