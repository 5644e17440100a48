/** Those who gave the same answer. */
export interface VoteGroup {
  /** The answer as the first of them gave it. */
  readonly value: unknown;
  readonly nodes: readonly string[];
}

interface Answer {
  readonly node: string;
  readonly value: unknown;
}

/** Counts answers by what they say. Each node votes once: whoever fills the ballot sees to that. */
export class Ballot {
  readonly #agree: (a: unknown, b: unknown) => boolean;
  /** One list for each different answer. */
  readonly #groups: Answer[][] = [];

  constructor(agree: (a: unknown, b: unknown) => boolean) {
    this.#agree = agree;
  }

  /** Votes for the answer that most gave. */
  get most(): number {
    return this.#groups.reduce((most, group) => Math.max(most, group.length), 0);
  }

  /** In the order in which the answers were first given. */
  get groups(): readonly VoteGroup[] {
    return this.#groups.map((group) => ({
      value: (group[0] as Answer).value,
      nodes: group.map(({ node }) => node),
    }));
  }

  get answers(): readonly Answer[] {
    return this.#groups.flat();
  }

  /** Counts an answer, and gives how many have given it now. @throws what the comparison throws; then nothing is counted */
  add(node: string, value: unknown): number {
    const answer = { node, value };
    for (const group of this.#groups) {
      if (this.#agree((group[0] as Answer).value, value)) return group.push(answer);
    }
    this.#groups.push([answer]);
    return 1;
  }
}
