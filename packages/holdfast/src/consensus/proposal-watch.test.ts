import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { configurationOf } from "./configuration.ts";
import type { Propose } from "./message.ts";
import { ProposalWatch, type ProposalObserver } from "./proposal-watch.ts";
import { createRaft, type Raft } from "./raft.ts";
import { step, type Input } from "./step.ts";

function scene(voters: readonly number[], watched: readonly Uint8Array[] = []) {
  const raft: Raft = createRaft({
    id: 1,
    random: seededRandom(1),
    electionTimeoutMs: 100,
    heartbeatMs: 20,
    hardState: { term: 0, vote: 0 },
    snapshot: { index: 0, term: 0, configuration: configurationOf(voters) },
    entries: [],
  });
  const told: string[] = [];
  const names = new Map<Uint8Array, string>(watched.map((command, at) => [command, `own ${at}`]));
  let thrown = 0;
  const observer: ProposalObserver = {
    follows: (command) => names.has(command),
    onStage: (command, stage, index, member) =>
      void told.push(
        `${names.get(command)} ${stage}${index > 0 ? ` ${index}` : ""}${member > 0 ? ` by ${member}` : ""}`,
      ),
    noteOf: (command) => names.get(command),
    onNote: (command, note) => void names.set(command, note),
  };
  const watch = new ProposalWatch(raft, observer, () => void thrown++);
  const feed = (input: Input): void => watch.onEffects(step(raft, input));
  const lead = (): void => {
    feed({ type: "tick", now: 1_000 });
    for (const round of [true, false]) {
      for (const from of voters.slice(1)) {
        const term = raft.term + (round ? 1 : 0);
        const vote = { type: "voteResult", from, to: 1, term, preVote: round, granted: true } as const;
        feed({ type: "message", message: vote });
      }
    }
    expect(raft.role).toBe("leader");
    // Its first entry.
    feed({ type: "synced", mark: { index: 1, epoch: raft.epoch } });
  };
  const accept = (from: number, matchIndex: number): void =>
    feed({ type: "message", message: { type: "appendAccepted", from, to: 1, term: raft.term, matchIndex } });
  return { raft, watch, feed, lead, accept, told, observer, thrown: () => thrown };
}

const forwarded = (commands: readonly Uint8Array[], term: number): Propose => ({
  type: "propose",
  from: 2,
  to: 1,
  term,
  commands,
  notes: commands.map((_, at) => ({ at, text: `note ${at}` })),
});

describe("watching proposals", () => {
  it("tells who acknowledged an entry, and that it is applied", () => {
    const command = Uint8Array.of(1);
    const { raft, watch, feed, lead, accept, told } = scene([1, 2, 3], [command]);
    lead();
    watch.add(command);
    feed({ type: "propose", commands: [command] });
    accept(3, 2);
    feed({ type: "synced", mark: { index: 2, epoch: raft.epoch } });
    watch.onSynced({ index: 2, epoch: raft.epoch });
    watch.onApplied(1);
    accept(2, 2);
    watch.onApplied(2);
    accept(2, 2);
    expect(told).toEqual([
      "own 0 appended 2",
      "own 0 acknowledged 2 by 3",
      "own 0 committed 2",
      "own 0 synced 2",
      "own 0 acknowledged 2 by 2",
      "own 0 applied 2",
    ]);
  });

  it("follows what comes with a note, and tells when nobody here takes it", () => {
    const { raft, watch, feed, lead, told } = scene([1, 2, 3]);
    const give = (message: Propose): void => watch.arrive(message, () => feed({ type: "message", message }));
    give(forwarded([Uint8Array.of(1)], 0));
    expect(told).toEqual(["note 0 dropped"]);
    lead();
    give(forwarded([Uint8Array.of(2), Uint8Array.of(3)], raft.term));
    expect(told.splice(0).slice(1)).toEqual(["note 0 appended 2", "note 1 appended 3"]);
    const { notes: _, ...plain } = forwarded([Uint8Array.of(4)], raft.term);
    give(plain);
    expect(told).toEqual([]);
  });

  it("tells what is lost with the leadership, once, and holds on to nothing of it", () => {
    const [kept, gone] = [Uint8Array.of(1), Uint8Array.of(2)];
    const { raft, watch, feed, lead, accept, told } = scene([1, 2, 3], [kept, gone]);
    lead();
    for (const command of [kept, gone]) {
      watch.add(command);
      feed({ type: "propose", commands: [command] });
    }
    accept(2, 2);
    feed({ type: "synced", mark: { index: 3, epoch: raft.epoch } });
    const entries = [{ index: 3, term: 9, kind: "noop", data: new Uint8Array() }] as const;
    const append = {
      type: "append",
      from: 3,
      to: 1,
      term: 9,
      previousIndex: 2,
      previousTerm: 1,
      entries,
      commit: 3,
    } as const;
    feed({ type: "message", message: append });
    watch.onApplied(3);
    expect(told.filter((line) => !line.includes("acknowledged"))).toEqual([
      "own 0 appended 2",
      "own 1 appended 3",
      "own 0 committed 2",
      "own 1 lost 3",
      "own 0 applied 2",
    ]);
  });

  it("sends what goes along with commands, and leaves out what is too long", () => {
    const commands = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
    const { watch, observer } = scene([1, 2, 3], commands.slice(1));
    const { notes: _, ...message } = forwarded(commands, 1);
    expect(watch.withNotes(message)).toEqual({
      ...message,
      notes: [
        { at: 1, text: "own 0" },
        { at: 2, text: "own 1" },
      ],
    });
    Object.assign(observer, { noteOf: () => "x".repeat(1_025) });
    expect(watch.withNotes(message)).toBe(message);
  });

  it("goes on whatever its observer throws", () => {
    const command = Uint8Array.of(1);
    const { watch, feed, lead, observer, raft, thrown } = scene([1, 2, 3], [command]);
    const broken = (): never => {
      throw new Error("a bug of the observer's");
    };
    lead();
    watch.add(command);
    Object.assign(observer, { onStage: broken, follows: broken, noteOf: broken, onNote: broken });
    feed({ type: "propose", commands: [command] });
    watch.add(Uint8Array.of(2));
    const message = forwarded([Uint8Array.of(3)], raft.term);
    watch.arrive(message, () => feed({ type: "message", message }));
    expect(watch.withNotes(message).type).toBe("propose");
    expect(raft.log.lastIndex).toBe(3);
    expect(thrown()).toBeGreaterThanOrEqual(5);
  });
});
