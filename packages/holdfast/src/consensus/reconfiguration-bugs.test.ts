import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster, CorePromises } from "../testing/index.ts";
import type { ConfigurationChange } from "./configuration-change.ts";
import type { NodeId } from "./entry.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { Raft } from "./raft.ts";

/** A story of one leader, the others in any order, and who joins; each is told so that one rule alone averts harm. */
class Story {
  readonly cluster: CoreCluster;
  readonly leader: Raft;
  readonly others: readonly NodeId[];
  readonly #promises = new CorePromises();

  constructor(size: number, plant: PlantedBug | undefined) {
    this.cluster = new CoreCluster({ size, random: seededRandom(7), ...(plant === undefined ? {} : { plant }) });
    this.leader = this.cluster.elect();
    this.others = this.cluster.ids.filter((id) => id !== this.leader.id);
    this.cluster.onEffects = () => this.#promises.check(this.cluster.cores.values());
  }

  join(...ids: NodeId[]): void {
    for (const id of ids) this.cluster.join(id);
  }

  /** Only these talk, among themselves. */
  only(...ids: NodeId[]): void {
    this.cluster.passes = ({ from, to }) => ids.includes(from) && ids.includes(to);
  }

  change(id: NodeId, changes: readonly ConfigurationChange[], mode: "simple" | "joint" = "simple"): void {
    this.cluster.feed(id, { type: "changeConfiguration", id: 1, changes, mode });
    this.cluster.deliver();
  }

  propose(id: NodeId): void {
    this.cluster.feed(id, { type: "propose", commands: [Uint8Array.of(id)] });
    this.cluster.deliver();
  }

  /** Lets time pass until one of these leads, for at most twenty election timeouts. */
  elect(...ids: NodeId[]): NodeId | undefined {
    for (let waited = 0; waited < 2_000; waited++) {
      const found = ids.find((id) => this.cluster.core(id).role === "leader");
      if (found !== undefined) return found;
      this.cluster.advance(10);
    }
    return undefined;
  }

  /** Everybody talks again: whoever was wrong must say so now. */
  end(): void {
    this.cluster.heal();
    this.cluster.advance(5_000);
    this.#promises.check(this.cluster.cores.values());
  }
}

function add(...ids: NodeId[]): ConfigurationChange[] {
  return ids.map((id) => ({ type: "addVoter", id }));
}

/** Two groups decide at the same time: the old leader with those it adds, and the old members without it. */
function twoGroups(story: Story, grow: () => void): void {
  const { cluster, leader, others } = story;
  story.join(4, 5);
  story.only(leader.id, 4, 5);
  grow();
  cluster.advance(100);
  cluster.passes = ({ from, to }) => others.includes(from) === others.includes(to);
  story.propose(leader.id);
  const rival = story.elect(...others);
  if (rival !== undefined) story.propose(rival);
  story.end();
}

const stories = {
  "joint-majority-over-union": (story: Story) => {
    twoGroups(story, () => story.change(story.leader.id, add(4, 5), "joint"));
  },
  "second-change-while-uncommitted": (story: Story) => {
    twoGroups(story, () => {
      story.change(story.leader.id, add(4));
      story.change(story.leader.id, add(5));
    });
  },
  "learner-counted": (story: Story) => {
    const learners = [4, 5].map((id): ConfigurationChange => ({ type: "addLearner", id }));
    twoGroups(story, () => story.change(story.leader.id, learners));
  },
  /** The story of Ongaro's mail: two leaders, each with a change of its own that the other does not know. */
  "change-before-term-commit": (story: Story) => {
    const { cluster, leader, others } = story;
    story.join(5);
    story.only(leader.id, 5);
    story.change(leader.id, add(5));
    cluster.passes = ({ from, to, type }) => others.includes(from) && others.includes(to) && type !== "append";
    const second = story.elect(...others)!;
    const third = others.find((id) => id !== second)!;
    const fourth = others.find((id) => id !== second && id !== third)!;
    story.change(second, [{ type: "remove", id: leader.id }]);
    story.only(second, third);
    cluster.advance(500);
    story.propose(second);
    story.only(leader.id, fourth, 5);
    expect(story.elect(leader.id, fourth)).toBeDefined();
    cluster.advance(500);
    story.end();
  },
  "configuration-not-rolled-back": (story: Story) => {
    const { cluster, leader, others } = story;
    story.only(leader.id);
    story.change(leader.id, [{ type: "remove", id: others[0]! }]);
    story.only(...others);
    const second = story.elect(...others)!;
    const [third, fourth] = others.filter((id) => id !== second);
    // The old leader's change is cut off its log.
    cluster.heal();
    cluster.advance(500);
    expect(leader.log.lastTerm).toBe(cluster.core(second).term);
    story.only(second, third!);
    const removed = others[0] === second || others[0] === third ? fourth! : others[0]!;
    story.change(second, [{ type: "remove", id: removed }]);
    story.propose(second);
    story.only(leader.id, fourth!);
    story.elect(leader.id, fourth!);
    cluster.advance(500);
    story.end();
  },
  "removed-leader-counts-itself": (story: Story) => {
    const { cluster, leader, others } = story;
    const [close, ...far] = others;
    // All get the change; only one is heard to have it, and only that one gets what follows.
    cluster.passes = ({ from, to }) => from === leader.id || from === close || to === close;
    cluster.feed(leader.id, {
      type: "changeConfiguration",
      id: 1,
      changes: [{ type: "remove", id: leader.id }],
      mode: "simple",
    });
    cluster.passes = ({ from, to }) => [from, to].every((id) => id === leader.id || id === close);
    story.propose(leader.id);
    cluster.crash(leader.id);
    story.only(...far);
    const next = story.elect(...far)!;
    expect(far).toContain(next);
    story.propose(next);
    story.end();
  },
} satisfies Partial<Record<PlantedBug, (story: Story) => void>>;

const sizes: Partial<Record<PlantedBug, number>> = {
  "change-before-term-commit": 4,
  "configuration-not-rolled-back": 4,
  "removed-leader-counts-itself": 4,
};

describe("a rule of changing members, once broken, loses what was committed", () => {
  it.each(Object.entries(stories))("%s", (name, tell) => {
    const plant = name as PlantedBug;
    tell(new Story(sizes[plant] ?? 3, undefined));
    expect(() => tell(new Story(sizes[plant] ?? 3, plant))).toThrow(/committed entries do not change|conflicts at/);
  });
});
