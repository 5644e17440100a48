import { ErrorShape, HoldfastError, type ErrorKind } from "../errors/index.ts";
import { isRetryable, ResilienceError } from "../resilience/index.ts";

/** A node that was asked and did not answer. */
export interface NodeFailure {
  readonly node: string;
  readonly error: unknown;
}

/** As many nodes, and as many characters of each message, stand in the message. */
const shownNodes = 10;
const shownCharacters = 120;

/**
 * Too few nodes gave the same answer, and those that might still do so were too few for it to be worth waiting. The
 * answers themselves are not kept.
 */
export class NoAgreementError extends ResilienceError {
  static override readonly brand: string = "NoAgreementError";

  /** How many had to agree. */
  readonly level: number;
  /** The nodes that answered: those of a list gave the same answer. */
  readonly votes: readonly (readonly string[])[];
  /** The nodes that failed, in order. */
  readonly failures: readonly NodeFailure[];

  constructor(policy: string, level: number, votes: readonly (readonly string[])[], failures: readonly NodeFailure[]) {
    const last = failures.at(-1)?.error;
    const contradicted = votes.length > 1;
    super(describe(policy, level, votes, failures), {
      name: "NoAgreementError",
      code: "NO_AGREEMENT",
      kind: contradicted ? "consistency" : kindOf(last),
      retryable: !contradicted && failures.every(({ error }) => mayRetry(error)),
      cause: last,
    });
    this.level = level;
    this.votes = votes;
    this.failures = failures;
  }

  override toJSON(): Record<string, unknown> {
    return {
      ...super.toJSON(),
      level: this.level,
      votes: this.votes,
      failures: this.failures.map(({ node, error }) => ({ node, error: nameOf(error) })),
    };
  }
}

/** Why a node's call was aborted: enough others agreed without it. Only the operation that is aborted ever sees it. */
export class AnswerNotNeededError extends ResilienceError {
  static override readonly brand: string = "AnswerNotNeededError";

  constructor() {
    super("enough other nodes agreed", { name: "AnswerNotNeededError", code: "ANSWER_NOT_NEEDED", kind: "business" });
  }
}

/** A node was reported as failed while it was asked. Whether the call had an effect there is unknown. */
export class NodeFailedError extends ResilienceError {
  static override readonly brand: string = "NodeFailedError";

  readonly node: string;

  constructor(node: string) {
    super(`node ${node} is reported as failed`, {
      name: "NodeFailedError",
      code: "NODE_FAILED",
      kind: "network",
      retryable: true,
    });
    this.node = node;
  }
}

function describe(
  policy: string,
  level: number,
  votes: readonly (readonly string[])[],
  failures: readonly NodeFailure[],
): string {
  const who = policy === "" ? "" : `${policy}: `;
  const answered = votes.map((nodes) => list(nodes)).join(" | ") || "none";
  const failed = list(failures.map(({ node, error }) => `${node} (${cut(new ErrorShape(error).message)})`)) || "none";
  return `${who}fewer than ${level} nodes agree; same answers: ${answered}; failed: ${failed}`;
}

function list(texts: readonly string[]): string {
  const more = texts.length - shownNodes;
  return more > 0 ? `${texts.slice(0, shownNodes).join(", ")} and ${more} others` : texts.join(", ");
}

function cut(text: string): string {
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}

function nameOf(error: unknown): string {
  const { name, message } = new ErrorShape(error);
  return name === "" ? message : `${name}: ${message}`;
}

/** Anything can be thrown, also what throws when it is looked at. */
function kindOf(error: unknown): ErrorKind {
  try {
    return HoldfastError.is(error) ? error.kind : "system";
  } catch {
    return "system";
  }
}

function mayRetry(error: unknown): boolean {
  try {
    return isRetryable(error);
  } catch {
    return false;
  }
}
