import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { election, type Leader } from "./election.ts";
import { createMemoryMember } from "../memory-member.ts";
import { openSession, type Session } from "./session.ts";
import { unreliable } from "../testing/unreliable-coordination.ts";
import { isOutcomeUnknown } from "./until-answered.ts";

const code = (code: string) => expect.objectContaining({ code });

function start() {
  const clock = new VirtualClock();
  const member = createMemoryMember({ clock });
  const open = (): Promise<Session> => openSession(member, { ttlSeconds: 3, clock });
  return { clock, member, open };
}

describe("an election", () => {
  it("has one leader at a time, and the next when it is gone", async () => {
    const { clock, open } = start();
    const [one, two, three] = [await open(), await open(), await open()];
    const watched = election(three, "e");
    expect(await watched.leader()).toBeUndefined();
    const first = await election(one, "e").campaign("one");
    expect(await watched.leader()).toEqual({ key: first.key, value: "one", token: first.token });
    const winning = election(two, "e").campaign("two");
    await clock.advance(10_000);
    expect((await watched.leader())?.value).toBe("one");
    await first.resign();
    expect([first.held, first.signal.aborted]).toEqual([false, false]);
    const second = await winning;
    expect(second.held).toBe(true);
    expect(second.token).toBeGreaterThan(first.token);
    await two.close();
    expect([second.held, second.signal.aborted]).toEqual([false, true]);
    expect(await watched.leader()).toBeUndefined();
    for (const session of [one, three]) await session.close();
  });

  it("tells every change of leader, and what leaders proclaim", async () => {
    const { clock, member, open } = start();
    const [one, two, three] = [await open(), await open(), await open()];
    const seen: (string | undefined)[] = [];
    const controller = new AbortController();
    const observing = (async () => {
      for await (const leader of election(three, "e").observe({ signal: controller.signal })) seen.push(leader?.value);
    })();
    const stopped = expect(observing).rejects.toThrow("enough");
    await clock.advance(0);
    expect(seen).toEqual([undefined]);
    const first = await election(one, "e").campaign("1");
    await clock.advance(0);
    await first.proclaim("1 again");
    await clock.advance(0);
    void election(two, "e").campaign("2");
    await clock.advance(0);
    await member.leaseRevoke({ id: one.leaseId });
    await clock.advance(0);
    await two.close();
    await clock.advance(0);
    expect(seen).toEqual([undefined, "1", "1 again", "2", undefined]);
    controller.abort(new Error("enough"));
    await stopped;
    for (const session of [one, three]) await session.close();
  });

  it("goes on being observed over compactions", async () => {
    const { clock, member, open } = start();
    const session = await open();
    const leadership = await election(session, "e").campaign("0");
    const observed = election(session, "e").observe();
    const leaders: (Leader | undefined)[] = [(await observed.next()).value!];
    for (let at = 1; at <= 5; at++) await leadership.proclaim(`${at}`);
    await member.compact({ revision: member.status().revision });
    while (leaders.at(-1)?.value !== "5") leaders.push((await observed.next()).value!);
    expect(new Set(leaders.map((leader) => leader?.token)).size).toBe(1);
    await observed.return();
    await session.close();
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
  });

  it("lets nobody proclaim who does not lead", async () => {
    const { clock, member, open } = start();
    const session = await open();
    const leadership = await election(session, "e").campaign("1");
    await member.deleteRange({ key: leadership.key });
    await expect(leadership.proclaim("2")).rejects.toEqual(code("LEADERSHIP_OVER"));
    await leadership.resign();
    await expect(election(session, "e").campaign("x", { timeoutMs: 0.5 })).resolves.toMatchObject({ held: true });
    const late = expect(election(session, "e").campaign("y", { timeoutMs: 500 })).rejects.toEqual(
      code("ACQUIRE_TIMED_OUT"),
    );
    await clock.advance(500);
    await late;
    await session.close();
    await expect(leadership.proclaim("3")).rejects.toEqual(code("SESSION_CLOSED"));
    expect(() => election(session, "")).toThrow("election.name must not be empty");
  });

  it("does not know what was said when nobody answers in time", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    let lost = false;
    const line = unreliable(member, (method) =>
      lost && (method === "txn" || method === "deleteRange") ? "answerLost" : undefined,
    );
    const session = await openSession(line, { clock });
    const leadership = await election(session, "e").campaign("1");
    lost = true;
    const said = expect(leadership.proclaim("2", { timeoutMs: 400 })).rejects.toEqual(code("TIMED_OUT"));
    await clock.advance(400);
    await said;
    const resigned = expect(leadership.resign({ timeoutMs: 300 })).rejects.toSatisfy(isOutcomeUnknown);
    await clock.advance(300);
    await resigned;
    expect(line.mishaps.length).toBeGreaterThan(3);
    lost = false;
    await clock.advance(5_000);
    expect(await election(session, "e").leader()).toBeUndefined();
    await session.close();
  });
});
