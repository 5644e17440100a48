import type { SnapshotSource } from "../../consensus/index.ts";
import type { Clock } from "../../runtime/index.ts";
import { crc32c } from "../../wire/index.ts";
import type { ClusterChange } from "./cluster-change.ts";
import type { Alarm, AlarmsResponse, HashKvResponse, HashResponse, MaintenanceAdministration } from "./cluster.ts";
import type { CommandOperation } from "../key-value/command.ts";
import type { Answer, RequestOptions, ResponseHeader } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { KeyValueStateMachine } from "../key-value/key-value-state-machine.ts";
import type { LeaseCapture } from "../leases/lease-table.ts";
import type { StateBackup, StoredLease } from "../key-value/state-backup.ts";
import { versionChunks } from "../key-value/state-snapshot.ts";
import { VersionOrder } from "../key-value/version-order.ts";

export interface MaintenanceDeskOptions {
  readonly clock: Clock;
  readonly machine: KeyValueStateMachine;
  readonly header: () => ResponseHeader;
  readonly requireRoot: (options: RequestOptions) => Promise<void>;
  readonly linearize: (options: RequestOptions) => Promise<void>;
  readonly write: (operation: CommandOperation, options: RequestOptions) => Promise<Answer<unknown>>;
}

/** How long to read without a pause: requests and heartbeats come first. */
const sliceMs = 4;

/** A member's alarms, hashes and backups. */
export class MaintenanceDesk implements MaintenanceAdministration {
  readonly #options: MaintenanceDeskOptions;

  constructor(options: MaintenanceDeskOptions) {
    this.#options = options;
  }

  async alarms(options: RequestOptions = {}): Promise<Answer<AlarmsResponse>> {
    await this.#options.linearize(options);
    return { alarms: this.#options.machine.cluster.alarms, header: this.#options.header() };
  }

  async raiseAlarm(alarm: Alarm, options: RequestOptions = {}): Promise<Answer<AlarmsResponse>> {
    await this.#options.requireRoot(options);
    await this.#change({ type: "raiseAlarm", alarm }, options);
    return { alarms: [alarm], header: this.#options.header() };
  }

  async clearAlarm(alarm: Alarm, options: RequestOptions = {}): Promise<Answer<AlarmsResponse>> {
    const { requireRoot, linearize, machine, header } = this.#options;
    await linearize(options);
    await requireRoot(options);
    const isRaised = machine.cluster.alarms.some(({ member, type }) => member === alarm.member && type === alarm.type);
    if (isRaised) await this.#change({ type: "clearAlarm", alarm }, options);
    return { alarms: isRaised ? [alarm] : [], header: header() };
  }

  async hash(options: RequestOptions = {}): Promise<Answer<HashResponse>> {
    await this.#options.requireRoot(options);
    const header = this.#options.header();
    const source = this.#options.machine.snapshot();
    try {
      return { hash: await this.#hashOf(chunksOf(source), options.signal), header };
    } finally {
      source.release();
    }
  }

  async hashKv(revision: number = 0, options: RequestOptions = {}): Promise<Answer<HashKvResponse>> {
    await this.#options.requireRoot(options);
    const header = this.#options.header();
    const contents = this.#options.machine.openStore();
    try {
      const { compactedRevision } = contents;
      if (revision > contents.revision) throw new CoordinationError("FUTURE_REVISION");
      if (revision > 0 && revision < compactedRevision) throw new CoordinationError("COMPACTED");
      const upTo = revision <= 0 ? contents.revision : revision;
      const chunks = versionChunks({ ...contents, revision: upTo });
      const hash = await this.#hashOf(chunks, options.signal);
      return { hash, compactedRevision, header };
    } finally {
      contents.release();
    }
  }

  async backup(options: RequestOptions = {}): Promise<StateBackup> {
    const { requireRoot, machine, clock } = this.#options;
    await requireRoot(options);
    const contents = machine.openStore();
    try {
      const { revision, compactedRevision } = contents;
      const { alarms, removed } = machine.cluster.capture();
      const state = { auth: machine.auth.capture(), leases: storedLeases(machine.leases.capture()), alarms };
      const order = new VersionOrder(contents);
      for await (const _ of inSlices(order.gather(), clock, options.signal));
      return {
        revision,
        compactedRevision,
        ...state,
        removedMembers: removed,
        versions: () => inSlices(order.batches(), clock),
        release: () => contents.release(),
      };
    } catch (error) {
      contents.release();
      throw error;
    }
  }

  async #hashOf(chunks: Iterable<Uint8Array>, signal: AbortSignal | undefined): Promise<number> {
    let hash = 0;
    for await (const chunk of inSlices(chunks, this.#options.clock, signal)) hash = crc32c(chunk, hash);
    return hash;
  }

  async #change(change: ClusterChange, { timeoutMs, signal }: RequestOptions): Promise<void> {
    await this.#options.write(
      { type: "cluster", request: change },
      { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal === undefined ? {} : { signal }) },
    );
  }
}

function* chunksOf(source: SnapshotSource): Generator<Uint8Array> {
  for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) yield chunk;
}

/** Whoever takes it all at once would keep everybody else waiting. */
async function* inSlices<T>(items: Iterable<T>, clock: Clock, signal?: AbortSignal): AsyncGenerator<T> {
  let until = clock.now() + sliceMs;
  for (const item of items) {
    yield item;
    if (clock.now() < until) continue;
    await clock.sleep(0, signal === undefined ? {} : { signal });
    until = clock.now() + sliceMs;
  }
}

function storedLeases({ clockMs, leases }: LeaseCapture): StoredLease[] {
  return leases.map(({ id, ttlSeconds, deadlineMs }) => {
    const leftMs = deadlineMs === undefined ? Infinity : Math.max(1, deadlineMs - clockMs);
    return { id, ttlSeconds, remainingSeconds: Math.min(ttlSeconds, Math.ceil(leftMs / 1000)) };
  });
}
