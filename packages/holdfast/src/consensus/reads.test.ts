import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import type { PlantedBug } from "./planted-bug.ts";

interface Answers {
  readonly answered: { node: number; id: number; index: number }[];
  readonly dropped: number[];
}

function cluster(size: number, plant?: PlantedBug): { cores: CoreCluster; answers: Answers } {
  const cores = new CoreCluster({ size, random: seededRandom(5), ...(plant === undefined ? {} : { plant }) });
  const answers: Answers = { answered: [], dropped: [] };
  cores.onEffects = (node, { reads, droppedReads }) => {
    for (const read of reads) answers.answered.push({ node, ...read });
    answers.dropped.push(...droppedReads);
  };
  return { cores, answers };
}

describe("linearizable reads", () => {
  it("are answered on the leader after a majority has confirmed it", () => {
    const { cores, answers } = cluster(3);
    const leader = cores.elect();
    cores.feed(leader.id, { type: "read", id: 1 });
    expect(answers.answered).toEqual([]);
    cores.deliver();
    expect(answers.answered).toEqual([{ node: leader.id, id: 1, index: leader.commit }]);
  });

  it("are answered on a follower with the leader's commit index", () => {
    const { cores, answers } = cluster(3);
    const leader = cores.elect();
    const follower = cores.ids.find((id) => id !== leader.id)!;
    cores.feed(follower, { type: "read", id: 8 });
    cores.deliver();
    expect(answers.answered).toEqual([{ node: follower, id: 8, index: leader.commit }]);
  });

  it("are not answered by a leader that was deposed without knowing", () => {
    const { cores, answers } = cluster(5);
    const old = cores.elect();
    cores.isolate(old.id);
    cores.advance(600);
    const next = cores.leader;
    cores.feed(old.id, { type: "read", id: 1 });
    cores.advance(3_000);
    expect(next === undefined || cores.leader!.id !== old.id).toBe(true);
    expect(answers.answered).toEqual([]);
    expect(answers.dropped).toEqual([1]);
  });

  it("are answered by such a leader when the bug is planted", () => {
    const { cores, answers } = cluster(5, "stale-read");
    const old = cores.elect();
    cores.isolate(old.id);
    cores.feed(old.id, { type: "read", id: 1 });
    expect(answers.answered).toHaveLength(1);
  });

  it("do not count confirmations that were sent before the read came in", () => {
    const { cores, answers } = cluster(3);
    const leader = cores.elect();
    const follower = cores.ids.find((id) => id !== leader.id)!;
    cores.passes = () => false;
    cores.feed(leader.id, { type: "read", id: 1 });
    const { term, readSequence } = leader;
    const early = { type: "heartbeatResult", from: follower, to: leader.id, term, sentAt: 0, holdMs: 0 } as const;
    cores.feed(leader.id, { type: "message", message: { ...early, readSequence: readSequence - 1 } });
    expect(answers.answered).toEqual([]);
    cores.feed(leader.id, { type: "message", message: { ...early, readSequence } });
    expect(answers.answered).toHaveLength(1);
  });

  it("wait until the leader has committed an entry of its term", () => {
    const { cores, answers } = cluster(3);
    cores.passes = (message) => message.type !== "append";
    while (cores.leader === undefined) cores.advance(10);
    const leader = cores.leader;
    cores.feed(leader.id, { type: "read", id: 1 });
    cores.advance(300);
    expect(leader.role).toBe("leader");
    expect(answers.answered).toEqual([]);
    cores.heal();
    cores.advance(300);
    expect(answers.answered).toEqual([{ node: leader.id, id: 1, index: leader.commit }]);
  });

  it("are dropped where no leader is known", () => {
    const { cores, answers } = cluster(3);
    cores.feed(1, { type: "read", id: 4 });
    expect(answers.dropped).toEqual([4]);
  });

  it("are answered at once by a cluster of one", () => {
    const { cores, answers } = cluster(1);
    const leader = cores.elect();
    cores.feed(1, { type: "read", id: 2 });
    expect(answers.answered).toEqual([{ node: 1, id: 2, index: leader.commit }]);
  });
});
