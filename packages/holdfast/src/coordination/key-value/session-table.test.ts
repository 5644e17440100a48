import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter, MalformedError } from "../../wire/index.ts";
import type { Outcome } from "./command.ts";
import { CoordinationError } from "../coordination-error.ts";
import { readSession, SessionTable, writeSession, type SessionLimits } from "./session-table.ts";

const pair = (size: number): Outcome => ({
  type: "deleteRange",
  revision: 9,
  response: {
    deleted: 1,
    previousPairs: [
      {
        key: Uint8Array.of(1),
        value: new Uint8Array(size).fill(7),
        createRevision: 2,
        modRevision: 3,
        version: 4,
        lease: -1n,
      },
    ],
  },
});

const outcomes: readonly (readonly [string, Outcome])[] = [
  ["a put", { type: "put", revision: 5, response: {} }],
  ["a compaction", { type: "compact", revision: 5, response: {} }],
  ["a refusal", { type: "refused", error: new CoordinationError("COMPACTED") }],
  ["pairs", pair(300)],
  [
    "a transaction",
    {
      type: "txn",
      revision: 6,
      response: {
        succeeded: true,
        responses: [
          { type: "put", response: {} },
          { type: "range", response: { pairs: [], more: true, count: 3 } },
          { type: "deleteRange", response: { deleted: 0, previousPairs: [] } },
          { type: "txn", response: { succeeded: false, responses: [] } },
        ],
      },
    },
  ],
];

/** A table with a client's way to use it, counting what is applied. */
function driver(limits: Partial<SessionLimits> = {}) {
  const table = new SessionTable(limits);
  const applied: string[] = [];
  let revision = 1;
  return {
    table,
    applied,
    /** Sends a request; the answer is its revision, or why there is none. */
    send: (client: number, sequence: number, acknowledged = 0, since?: number, outcome?: Outcome): number | string => {
      const identity = { client, sequence, acknowledged, ...(since === undefined ? {} : { since }) };
      let answer = table.admit(identity, revision);
      if (answer === undefined) {
        applied.push(`${client}/${sequence}`);
        answer = outcome ?? { type: "put", response: {}, revision: ++revision };
        table.remember(identity, answer);
      }
      return answer.type === "refused" ? answer.error.code : answer.revision;
    },
  };
}

describe("SessionTable", () => {
  it.each(outcomes)("answers a repeated request with what it was answered: %s", (_, outcome) => {
    const table = new SessionTable();
    const identity = { client: 1, sequence: 1, acknowledged: 0 };
    expect(table.admit(identity, 1)).toBeUndefined();
    table.remember(identity, outcome);
    expect(table.admit(identity, 20)).toEqual(outcome);
    expect(table.admit(identity, 30)).toEqual(outcome);
  });

  it("takes the first requests of a client in any order", () => {
    const { send, applied } = driver();
    expect([send(1, 3), send(1, 1), send(1, 2), send(1, 1), send(1, 3)]).toEqual([2, 3, 4, 3, 2]);
    expect(applied).toEqual(["1/3", "1/1", "1/2"]);
  });

  it("keeps clients apart", () => {
    const { send } = driver();
    expect([send(1, 1), send(2, 1), send(1, 1)]).toEqual([2, 3, 2]);
  });

  it("forgets what is acknowledged, and never applies it again", () => {
    const { send, applied, table } = driver();
    for (const sequence of [1, 2, 3]) send(1, sequence);
    const bytes = table.bytes;
    send(1, 5, 2);
    expect(table.bytes).toBe(bytes - 32);
    expect([send(1, 1), send(1, 2), send(1, 3), send(1, 4)]).toEqual(["SESSION_EXPIRED", "SESSION_EXPIRED", 4, 6]);
    expect(applied).toEqual(["1/1", "1/2", "1/3", "1/5", "1/4"]);
  });

  it("takes far jumps of the sequence in its stride", () => {
    const { send } = driver();
    send(1, 1);
    expect(send(1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1)).toBe(3);
    expect(send(1, 2)).toBe("SESSION_EXPIRED");
  });

  it("bounds the answers of a session: the lowest go, and are not applied again", () => {
    const { send, applied } = driver({ maxAnswers: 3 });
    for (const sequence of [5, 4, 3, 2]) send(1, sequence);
    expect([send(1, 2), send(1, 1), send(1, 3)]).toEqual(["SESSION_EXPIRED", "SESSION_EXPIRED", 4]);
    expect(applied).toHaveLength(4);
  });

  it("bounds the bytes of a session", () => {
    const { send, table } = driver({ maxAnswerBytes: 1000 });
    for (const sequence of [1, 2, 3, 4, 5]) send(1, sequence, 0, 0, pair(300));
    expect(table.bytes).toBeLessThanOrEqual(1000);
    expect([send(1, 3), send(1, 5)]).toEqual(["SESSION_EXPIRED", 9]);
  });

  it("does not keep an answer that is too large, nor let it push out others", () => {
    const { send, applied } = driver({ maxAnswerBytes: 1000 });
    send(1, 1);
    send(1, 2, 0, 0, pair(2000));
    expect([send(1, 2), send(1, 1)]).toEqual(["SESSION_EXPIRED", 2]);
    expect(applied).toEqual(["1/1", "1/2"]);
  });

  it("bounds the sessions: the one used longest ago goes", () => {
    const { send, table } = driver({ maxSessions: 2 });
    send(1, 1);
    send(2, 1);
    send(1, 1);
    send(3, 1, 0, 0);
    expect(table.size).toBe(2);
    expect([send(1, 1), send(3, 1), send(2, 1)]).toEqual([2, 4, "SESSION_EXPIRED"]);
  });

  it("bounds the bytes of all sessions", () => {
    const { send, table } = driver({ maxTotalBytes: 2000 });
    for (let client = 1; client <= 20; client++) send(client, 1, 0, 100, pair(300));
    expect(table.bytes).toBeLessThanOrEqual(2000);
    expect(table.size).toBe(5);
  });

  it("tells a new client from a forgotten one by what it had seen before its first request", () => {
    const { send, applied } = driver({ maxSessions: 1 });
    // Client 1's session begins at revision 1 and is forgotten when client 2's begins, at revision 2.
    expect(send(1, 1, 0, 1)).toBe(2);
    expect(send(2, 1, 0, 2)).toBe(3);
    for (const acknowledged of [0, 1, 5]) expect(send(1, 6, acknowledged, 1)).toBe("SESSION_EXPIRED");
    expect(send(1, 1, 0, 1)).toBe("SESSION_EXPIRED");
    expect(send(3, 1)).toBe("SESSION_EXPIRED");
    expect(send(4, 3, 2, 3)).toBe(4);
    expect(applied).toEqual(["1/1", "2/1", "4/3"]);
  });

  it("never applies a request twice, whatever is resent when, and refuses no new client that has seen the present", () => {
    const request = fc.record({
      client: fc.integer({ min: 1, max: 6 }),
      ahead: fc.nat(4),
      resend: fc.nat(200),
      fresh: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 300, size: "max" }), (requests) => {
        const { send, applied } = driver({ maxSessions: 3, maxAnswers: 4, maxAnswerBytes: 200 });
        const sent: (readonly [number, number, number, number])[] = [];
        const clients = new Map<number, { readonly id: number; readonly since: number; sequence: number }>();
        let nextId = 1;
        let revision = 1;
        for (const { client, ahead, resend, fresh } of requests) {
          if (fresh || sent.length === 0) {
            const known = clients.get(client) ?? { id: nextId++, since: revision, sequence: 0 };
            clients.set(client, known);
            known.sequence += ahead + 1;
            const isNew = !sent.some(([id]) => id === known.id);
            const message = [known.id, known.sequence, Math.max(0, known.sequence - 3 - ahead), known.since] as const;
            sent.push(message);
            const answer = send(...message);
            if (isNew) expect(answer).not.toBe("SESSION_EXPIRED");
            if (answer === "SESSION_EXPIRED") clients.delete(client);
            else revision = Math.max(revision, Number(answer));
          } else {
            send(...sent[resend % sent.length]!);
          }
        }
        expect(new Set(applied).size).toBe(applied.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe("captures", () => {
  it("do not show what happens later, and are restored with all that decides", () => {
    const { send, table } = driver({ maxSessions: 3, maxAnswers: 3 });
    for (const client of [1, 2, 3, 4]) send(client, 1, 0, 0);
    const writer = new ByteWriter();
    const write = (): Uint8Array => {
      writer.clear();
      for (const session of capture.sessions) writeSession(writer, session);
      return writer.toBytes();
    };
    const capture = table.capture();
    const before = write();
    for (const sequence of [2, 3, 4, 5]) send(3, sequence, 1);
    send(5, 1, 0, 50);
    expect(write()).toEqual(before);

    const reader = new ByteReader(before);
    const sessions = [];
    while (reader.remaining > 0) sessions.push(readSession(reader));
    const other = new SessionTable({ maxSessions: 3, maxAnswers: 3 });
    other.restore({ horizon: capture.horizon, sessions });
    expect(other.capture()).toEqual(capture);
    expect(other.admit({ client: 4, sequence: 1, acknowledged: 0 }, 9)).toEqual({
      type: "put",
      response: {},
      revision: 5,
    });
    expect(other.admit({ client: 1, sequence: 1, acknowledged: 0 }, 9)?.type).toBe("refused");
  });

  it.each([
    ["a sequence at the floor", [1, 1, 5, 1, 5, 0]],
    ["a sequence twice", [1, 1, 5, 2, 6, 0, 6, 0]],
    ["an unknown kind of answer", [1, 1, 5, 1, 6, 3]],
    ["an answer that is none", [1, 1, 5, 1, 6, 2, 1, 99]],
    ["a count beyond the bytes", [1, 1, 5, 127, 6, 0]],
  ])("are refused with %s", (_, bytes) => {
    expect(() => readSession(new ByteReader(Uint8Array.from(bytes)))).toThrow(MalformedError);
  });
});
