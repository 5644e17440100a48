import { MalformedError, type ByteReader, type ByteWriter } from "../../wire/index.ts";
import type { Outcome } from "./command.ts";
import type { RequestIdentity } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import { decodeOutcome, encodeOutcome } from "./outcome-codec.ts";

/** The bounds of a session table. They decide what is applied, so they must be the same on every member. */
export interface SessionLimits {
  /** Sessions remembered. Beyond it the one used longest ago, by the order of the log, is forgotten. Default 10 000. */
  readonly maxSessions: number;
  /** Answers kept for one session. Beyond it those of the lowest sequences are forgotten. Default 512. */
  readonly maxAnswers: number;
  /** Bytes of answers kept for one session; an answer larger than this is not kept at all. Default 256 KiB. */
  readonly maxAnswerBytes: number;
  /** Bytes of answers kept for all sessions; beyond it sessions are forgotten as above. Default 64 MiB. */
  readonly maxTotalBytes: number;
}

export const defaultSessionLimits: SessionLimits = {
  maxSessions: 10_000,
  maxAnswers: 512,
  maxAnswerBytes: 256 * 1024,
  maxTotalBytes: 64 * 1024 * 1024,
};

/** Every answer counts as this many bytes more than its own, for what surrounds it. */
const answerOverheadBytes = 32;

/** An answer's bytes; the revision alone for a put without a previous pair; undefined when it was too large to keep. */
type KeptAnswer = Uint8Array | number | undefined;

class Session {
  readonly client: number;
  /** The store's revision when the session began. */
  readonly beganAt: number;
  /** Requests up to this sequence are over or forgotten. */
  floor: number;
  /** By sequence, in the order they were applied: every request above the floor that was. */
  readonly answers: Map<number, KeptAnswer>;
  bytes = 0;
  /** Sessions of an earlier generation belong to a capture and are copied before they change. */
  readonly generation: number;

  constructor(
    client: number,
    beganAt: number,
    floor: number,
    generation: number,
    answers: Map<number, KeptAnswer> = new Map(),
  ) {
    this.client = client;
    this.beganAt = beganAt;
    this.floor = floor;
    this.generation = generation;
    this.answers = answers;
    for (const answer of answers.values()) this.bytes += sizeOf(answer);
  }
}

/** A table as it was at one moment. */
export interface SessionCapture {
  /** See SessionTable. */
  readonly horizon: number;
  /** The one used longest ago first. */
  readonly sessions: readonly CapturedSession[];
}

export type CapturedSession = Pick<Session, "client" | "beganAt" | "floor" | "answers">;

/**
 * Remembers what each client's requests were answered, so that a request sent again is answered again and not applied
 * again (Ongaro, "Consensus: Bridging Theory and Practice", section 6.3, here with several requests in flight).
 *
 * A sequence above the floor that is not remembered was never applied: it is applied. One that is remembered is answered
 * from memory. One up to the floor is refused with SESSION_EXPIRED: it may have been applied.
 *
 * A client that the table does not know is new, or its session was forgotten and this may be a retry. The client's
 * `since` tells: it is a revision that the client had seen before its first request, so a session it had began at that
 * revision or later. The horizon is the latest beginning of all forgotten sessions. With `since` above the horizon no
 * session of the client was forgotten, and it is taken as new, whichever of its first requests comes first; otherwise it
 * is refused. Before anything was forgotten every client is taken as new, one without `since` too.
 */
export class SessionTable {
  readonly #limits: SessionLimits;
  /** In order of last use, the oldest first. */
  readonly #sessions = new Map<number, Session>();
  /** The one used last: it is where it belongs. */
  #latest: Session | undefined;
  #horizon = -1;
  #bytes = 0;
  #generation = 0;

  constructor(limits: Partial<SessionLimits> = {}) {
    this.#limits = { ...defaultSessionLimits, ...limits };
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Bytes of answers kept, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Decides about a request that is next in the log, the store being at `revision`: undefined when it is to be applied,
   * and then `remember` must follow; otherwise how it is answered without.
   */
  admit(identity: RequestIdentity, revision: number): Outcome | undefined {
    const { client, sequence, acknowledged, since = 0 } = identity;
    const known = this.#sessions.get(client);
    if (known === undefined && since <= this.#horizon) return expired();
    const session = this.#use(known ?? new Session(client, revision, acknowledged, this.#generation));
    if (acknowledged > session.floor) this.#raiseFloor(session, acknowledged);
    if (sequence <= session.floor) return expired();
    if (!session.answers.has(sequence)) return undefined;
    const kept = session.answers.get(sequence);
    if (kept === undefined) return expired();
    return typeof kept === "number" ? { type: "put", response: {}, revision: kept } : decodeOutcome(kept);
  }

  /** Keeps the outcome of a request that was admitted. */
  remember(identity: RequestIdentity, outcome: Outcome): void {
    const session = this.#sessions.get(identity.client)!;
    const { maxAnswers, maxAnswerBytes, maxSessions, maxTotalBytes } = this.#limits;
    const answer = keep(outcome, maxAnswerBytes);
    const kept = sizeOf(answer) > maxAnswerBytes ? undefined : answer;
    session.answers.set(identity.sequence, kept);
    session.bytes += sizeOf(kept);
    this.#bytes += sizeOf(kept);
    while (session.answers.size > maxAnswers || session.bytes > maxAnswerBytes) {
      this.#raiseFloor(session, Math.min(...session.answers.keys()));
    }
    while (this.#sessions.size > maxSessions || this.#bytes > maxTotalBytes) this.#forgetOldest();
  }

  /** The table as it is now; what happens to it later does not show. */
  capture(): SessionCapture {
    this.#generation++;
    return { horizon: this.#horizon, sessions: [...this.#sessions.values()] };
  }

  /** Makes the table what was captured. */
  restore({ horizon, sessions }: SessionCapture): void {
    this.#sessions.clear();
    this.#latest = undefined;
    this.#bytes = 0;
    this.#horizon = horizon;
    for (const { client, beganAt, floor, answers } of sessions) {
      const session = new Session(client, beganAt, floor, this.#generation, new Map(answers));
      this.#sessions.set(client, session);
      this.#bytes += session.bytes;
    }
  }

  /** Puts the session last in the order of use, as one that may be changed. */
  #use(session: Session): Session {
    const { client, beganAt, floor, generation, answers } = session;
    const own =
      generation === this.#generation
        ? session
        : new Session(client, beganAt, floor, this.#generation, new Map(answers));
    if (own === session && this.#latest === session) return session;
    this.#sessions.delete(client);
    this.#sessions.set(client, own);
    this.#latest = own;
    return own;
  }

  #raiseFloor(session: Session, floor: number): void {
    const { answers } = session;
    if (floor - session.floor <= answers.size) {
      for (let sequence = session.floor + 1; sequence <= floor; sequence++) this.#forget(session, sequence);
    } else {
      for (const sequence of answers.keys()) if (sequence <= floor) this.#forget(session, sequence);
    }
    session.floor = floor;
  }

  #forget(session: Session, sequence: number): void {
    if (!session.answers.has(sequence)) return;
    const bytes = sizeOf(session.answers.get(sequence));
    session.answers.delete(sequence);
    session.bytes -= bytes;
    this.#bytes -= bytes;
  }

  #forgetOldest(): void {
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return;
    this.#sessions.delete(oldest.client);
    this.#bytes -= oldest.bytes;
    this.#horizon = Math.max(this.#horizon, oldest.beganAt);
  }
}

export function writeSession(writer: ByteWriter, session: CapturedSession): void {
  writer.varint(session.client);
  writer.varint(session.beganAt);
  writer.varint(session.floor);
  writer.varint(session.answers.size);
  for (const [sequence, answer] of session.answers) {
    writer.varint(sequence);
    if (answer === undefined) {
      writer.u8(0);
    } else if (typeof answer === "number") {
      writer.u8(1);
      writer.varint(answer);
    } else {
      writer.u8(2);
      writer.sizedBytes(answer);
    }
  }
}

/** @throws MalformedError */
export function readSession(reader: ByteReader): CapturedSession {
  const client = reader.varint("session.client");
  const beganAt = reader.varint("session.beganAt");
  const floor = reader.varint("session.floor");
  const answers = new Map<number, KeptAnswer>();
  for (let left = reader.count("session.answers", 2); left > 0; left--) {
    const start = reader.offset;
    const sequence = reader.varint("session.sequence");
    if (sequence <= floor || answers.has(sequence)) {
      throw new MalformedError("session.sequence", start, `must be above the floor ${floor} and there once`);
    }
    answers.set(sequence, readAnswer(reader));
  }
  return { client, beganAt, floor, answers };
}

function readAnswer(reader: ByteReader): KeptAnswer {
  const start = reader.offset;
  const kind = reader.u8("session.answer");
  if (kind === 0) return undefined;
  if (kind === 1) return reader.varint("session.answer");
  if (kind > 2) throw new MalformedError("session.answer", start, `must be 0, 1 or 2 (got ${kind})`);
  // The snapshot's buffer must not live as long as the answer.
  const bytes = reader.sizedBytes("session.answer").slice();
  decodeOutcome(bytes);
  return bytes;
}

function keep(outcome: Outcome, maxBytes: number): KeptAnswer {
  if (outcome.type === "put" && outcome.response.previousPair === undefined) return outcome.revision;
  return encodeOutcome(outcome, maxBytes);
}

function sizeOf(answer: KeptAnswer): number {
  return answerOverheadBytes + (answer instanceof Uint8Array ? answer.length : 0);
}

function expired(): Outcome {
  return { type: "refused", error: new CoordinationError("SESSION_EXPIRED") };
}
