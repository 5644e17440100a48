import type { HistoryRecorder, RecordedProcess } from "holdfast/proof";
import type { ClientTls } from "../client/connections.ts";
import { isOutcomeUnknown, UnreachableError } from "../client/gateway-error.ts";
import { gatewayClient, type GatewayClient } from "../client/gateway-client.ts";
import type { Acknowledgement } from "./service-gap.ts";

/** What the load has done so far; filled while it runs. */
export interface WorkloadRecord {
  readonly acknowledgements: Acknowledgement[];
  /** Unique keys whose write was attempted, with the value; never written twice. */
  readonly attempted: Map<string, string>;
  /** The keys among them whose write was acknowledged. */
  readonly acknowledged: Set<string>;
  readonly registers: Set<string>;
  operations: number;
  /** Operations that a member carried out. */
  answered: number;
  unknownWrites: number;
  /** The first error that was neither a refusal nor a missing answer. */
  surprise: Error | undefined;
}

export interface Workload {
  /** Lets what is under way end. */
  stop(): Promise<void>;
}

export interface WorkloadOptions {
  readonly endpoints: readonly string[];
  readonly tls?: ClientTls | undefined;
  readonly clients: number;
  readonly recorder: HistoryRecorder;
  readonly record: WorkloadRecord;
  /** Part of every key, so that each round has keys of its own and no key's history grows long. */
  readonly round: number;
}

/** The load ends by itself when the history holds this many events. */
export const maxLoadEvents = 1_000_000;

const registersPerRound = 5;
/** A dead endpoint is left quickly, so that what is measured is the cluster's absence and not the client's patience. */
const patience = { attemptTimeoutMs: 400, timeoutMs: 10_000 };

export function newWorkloadRecord(): WorkloadRecord {
  return {
    acknowledgements: [],
    attempted: new Map(),
    acknowledged: new Set(),
    registers: new Set(),
    operations: 0,
    answered: 0,
    unknownWrites: 0,
    surprise: undefined,
  };
}

/** Who keeps to one member waits for it, also when it cannot answer; and looks often, but adds little load. */
const loyal = { attemptTimeoutMs: 400, timeoutMs: 400, pauseMs: 25 };

const encode = (text: string): Uint8Array => Buffer.from(text, "utf8");
const decode = (bytes: Uint8Array | undefined): string | null =>
  bytes === undefined ? null : Buffer.from(bytes).toString("utf8");

/**
 * Clients that write unique keys, and read, write and compare-and-set a few keys they share, each one operation after
 * the other, without a pause; they leave a member that does not answer. Besides, for each member one that keeps to it: who
 * is cut off, or has stood still, is asked all the time for what it believes, and told what it must not promise.
 */
export function startWorkload(options: WorkloadOptions): Workload {
  const { endpoints, tls, clients, recorder, record, round } = options;
  const stopping = new AbortController();

  async function run(number: number): Promise<void> {
    const start = number % endpoints.length;
    const ordered = [...endpoints.slice(start), ...endpoints.slice(0, start)];
    const client = gatewayClient({ endpoints: ordered, ...patience, ...(tls && { tls }) });
    const process = recorder.process();
    const seen = new Map<string, string | null>();
    try {
      for (let count = 1; !stopping.signal.aborted && recorder.events.length < maxLoadEvents; count++) {
        const answered = await act(client, process, seen, `${round}.${number}.${count}`);
        if (answered) record.answered++;
        // All members refused: without a pause a loop of refusals would keep the machine from restarting them.
        if (!answered) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      client.close();
    }
  }

  /** Reads shared keys at one member, and now and then writes a unique one. Not among the operations that are measured. */
  async function keepTo(endpoint: string, number: number): Promise<void> {
    const { pauseMs, ...patience } = loyal;
    const client = gatewayClient({ endpoints: [endpoint], ...patience, ...(tls && { tls }) });
    const process = recorder.process();
    try {
      for (let count = 1; !stopping.signal.aborted && recorder.events.length < maxLoadEvents; count++) {
        if (Math.random() < 0.25) await writeUnique(client, process, `${round}.loyal${number}.${count}`);
        else await readShared(client, process, sharedKey());
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    } finally {
      client.close();
    }
  }

  /** A key that all clients of this round share. */
  const sharedKey = (): string => `register/${round}/${Math.floor(Math.random() * registersPerRound)}`;

  /** One operation; false when no member carried it out. */
  async function act(
    client: GatewayClient,
    process: RecordedProcess,
    seen: Map<string, string | null>,
    unique: string,
  ): Promise<boolean> {
    record.operations++;
    const draw = Math.random();
    const register = sharedKey();
    if (draw < 0.5) return await writeUnique(client, process, unique);
    record.registers.add(register);
    if (draw < 0.7) return await readShared(client, process, register, (value) => seen.set(register, value));
    if (draw < 0.85) {
      return await attempt(process, { f: "put", key: register, value: unique }, true, async () => {
        const answer = await client.put({ key: encode(register), value: encode(unique) });
        seen.set(register, unique);
        return { value: null, term: answer.header.term };
      });
    }
    const expected = seen.get(register) ?? null;
    return await attempt(process, { f: "cas", key: register, value: [expected, unique] }, true, async () => {
      const key = encode(register);
      const answer = await client.txn({
        compare: [
          expected === null
            ? { key, target: "version", result: "equal", operand: 0 }
            : { key, target: "value", result: "equal", operand: encode(expected) },
        ],
        success: [{ type: "put", request: { key, value: encode(unique) } }],
        failure: [],
      });
      if (answer.succeeded) seen.set(register, unique);
      else seen.delete(register);
      return { value: answer.succeeded, ...(answer.succeeded ? { term: answer.header.term } : {}) };
    });
  }

  async function readShared(
    client: GatewayClient,
    process: RecordedProcess,
    register: string,
    onValue?: (value: string | null) => void,
  ): Promise<boolean> {
    return await attempt(process, { f: "get", key: register }, false, async () => {
      const answer = await client.range({ key: encode(register) });
      const value = decode(answer.pairs[0]?.value);
      onValue?.(value);
      return { value };
    });
  }

  async function writeUnique(client: GatewayClient, process: RecordedProcess, unique: string): Promise<boolean> {
    const key = `acknowledged/${unique}`;
    record.attempted.set(key, unique);
    return await attempt(process, { f: "put", key, value: unique }, true, async () => {
      const answer = await client.put({ key: encode(key), value: encode(unique) });
      record.acknowledged.add(key);
      return { value: null, term: answer.header.term };
    });
  }

  async function attempt(
    process: RecordedProcess,
    invocation: { readonly f: string; readonly key: string; readonly value?: unknown },
    writes: boolean,
    send: () => Promise<{ readonly value: unknown; readonly term?: number }>,
  ): Promise<boolean> {
    const pending = process.invoke(invocation);
    try {
      const { value, term } = await send();
      pending.ok(value);
      if (term !== undefined) record.acknowledgements.push({ atMs: performance.now(), term });
      return true;
    } catch (error) {
      const reason = (error as Error).message;
      if (!writes || error instanceof UnreachableError) pending.fail(reason);
      else {
        pending.info(reason);
        record.unknownWrites++;
      }
      if (!(error instanceof UnreachableError) && !isOutcomeUnknown(error)) record.surprise ??= error as Error;
      return false;
    }
  }

  const loops = Array.from({ length: clients }, (_, number) => run(number));
  if (clients > 0) loops.push(...endpoints.map(keepTo));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
