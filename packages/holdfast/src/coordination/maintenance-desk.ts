import type { SnapshotSource } from "../consensus/index.ts";
import type { Clock } from "../runtime/index.ts";
import { crc32c } from "../wire/index.ts";
import type { ClusterChange } from "./cluster-change.ts";
import type {
  Alarm,
  AlarmsResponse,
  HashKvResponse,
  HashResponse,
  MaintenanceAdministration,
  StateBackup,
} from "./cluster.ts";
import type { CommandOperation } from "./command.ts";
import type { Answer, RequestOptions, ResponseHeader } from "./coordination.ts";
import { CoordinationError } from "./coordination-error.ts";
import type { KeyValueStateMachine } from "./key-value-state-machine.ts";
import { versionChunks } from "./state-snapshot.ts";

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
      return { hash: await this.#hashOf(() => source.next(), options.signal), header };
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
      const hash = await this.#hashOf(() => chunks.next().value ?? undefined, options.signal);
      return { hash, compactedRevision, header };
    } finally {
      contents.release();
    }
  }

  async backup(options: RequestOptions = {}): Promise<StateBackup> {
    const { requireRoot, machine } = this.#options;
    await requireRoot(options);
    const { revision } = machine;
    // The same state twice: once to measure it, once to tell it.
    const measured = machine.snapshot();
    const told = machine.snapshot();
    try {
      let size = 0;
      await this.#read(
        () => measured.next(),
        options.signal,
        (chunk) => void (size += chunk.length),
      );
      return { revision, size, chunks: readThrough(told, this.#options.clock), release: () => told.release() };
    } catch (error) {
      told.release();
      throw error;
    } finally {
      measured.release();
    }
  }

  async #hashOf(next: () => Uint8Array | undefined, signal: AbortSignal | undefined): Promise<number> {
    let hash = 0;
    await this.#read(next, signal, (chunk) => void (hash = crc32c(chunk, hash)));
    return hash;
  }

  async #read(
    next: () => Uint8Array | undefined,
    signal: AbortSignal | undefined,
    take: (chunk: Uint8Array) => void,
  ): Promise<void> {
    const { clock } = this.#options;
    let until = clock.now() + sliceMs;
    for (let chunk = next(); chunk !== undefined; chunk = next()) {
      take(chunk);
      if (clock.now() < until) continue;
      await clock.sleep(0, signal === undefined ? {} : { signal });
      until = clock.now() + sliceMs;
    }
  }

  async #change(change: ClusterChange, { timeoutMs, signal }: RequestOptions): Promise<void> {
    await this.#options.write(
      { type: "cluster", request: change },
      { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal === undefined ? {} : { signal }) },
    );
  }
}

async function* readThrough(source: SnapshotSource, clock: Clock): AsyncGenerator<Uint8Array> {
  let until = clock.now() + sliceMs;
  try {
    for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) {
      yield chunk;
      if (clock.now() < until) continue;
      // Whoever takes it at once would keep everybody else waiting.
      await clock.sleep(0);
      until = clock.now() + sliceMs;
    }
  } finally {
    source.release();
  }
}
