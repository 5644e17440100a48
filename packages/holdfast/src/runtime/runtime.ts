/**
 * The world that every room runs on: time, randomness, network and disk.
 *
 * `nodeRuntime()` is the real one; `simulate()` makes simulated ones, in which the same code runs on virtual time with
 * faults drawn from a seed.
 */
export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
}

/** A pending timer; cancelling one that has fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time. Delays are milliseconds, fractions allowed; `now` and `wallTime` are unrelated to each other. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. */
  now(): number;
  /** Milliseconds since 1970 as the machine believes; may jump in both directions. */
  wallTime(): number;
  /** Runs `callback` once, after `delayMs`; does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` in a later turn of the event loop, after the input that is already waiting. */
  defer(callback: () => void): void;
  /** Resolves after `delayMs`, keeping the process alive; rejects with `signal.reason` on abort, at once. */
  sleep(delayMs: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** Where chance comes from, for those who need no more than that. */
export interface RandomSource {
  /** Uniform in [0, 1). */
  next(): number;
}

/** Random numbers from one generator. */
export interface Random extends RandomSource {
  /** Uniform integer, `min` and `max` included. @throws RangeError when `max < min` or a bound is no safe integer */
  integer(min: number, max: number): number;
  bytes(length: number): Uint8Array;
  /** A generator of its own for one purpose, another each time: drawing from it never shifts what others draw. */
  fork(purpose: string): Random;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Streams and datagrams. Failures are the platform's errors, with Node's `code` (`ECONNREFUSED`, `EADDRINUSE`, …). */
export interface Network {
  /** Listens for streams; port 0 chooses a free port, told by `listener.address`. */
  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener>;
  connect(
    address: Address,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<Connection>;
  /** Opens a datagram socket; `onMessage` gets every datagram that arrives. */
  openDatagram(address: Address, onMessage: (bytes: Uint8Array, from: Address) => void): Promise<DatagramSocket>;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting; connections already accepted live on. */
  close(): Promise<void>;
}

/** What a connection tells its owner. Called one at a time, never from inside a call of the connection's own methods. */
export interface ConnectionHandler {
  /** Bytes in order; the array belongs to the receiver. */
  onData(bytes: Uint8Array): void;
  /** What was written has left, after `write` returned false. */
  onDrain?(): void;
  /** Exactly once, last: both sides ended, one was destroyed, or the connection broke with `error`. */
  onClose(error?: Error): void;
}

/** A reliable ordered byte stream, until it breaks. */
export interface Connection {
  readonly local: Address;
  readonly remote: Address;
  /** Bytes accepted by `write` that have not left yet. */
  readonly bufferedBytes: number;
  /** Sets the handler, once; bytes that arrived before are kept for it. Set it in the turn in which the connection was got. */
  handle(handler: ConnectionHandler): void;
  /** Queues bytes, which must not be changed afterwards; false asks to wait for `onDrain`. Ignored once closed. */
  write(bytes: Uint8Array): boolean;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once, dropping what is queued. */
  destroy(): void;
}

export interface DatagramSocket {
  readonly address: Address;
  /** Sends one datagram, whose bytes must not be changed afterwards; delivery is not promised, and failures are silent. */
  send(bytes: Uint8Array, to: Address): void;
  close(): Promise<void>;
}

/** Files. Failures are the platform's errors, with Node's `code` (`ENOENT`, `ENOSPC`, `EIO`, …). */
export interface Disk {
  /**
   * Opens for reading and writing. `create` makes the file when it is not there; with `syncedWrites` every write is
   * durable when it resolves, as if `sync` had followed, in one call where the platform has that (O_DSYNC on Linux).
   */
  open(path: string, options?: OpenOptions): Promise<DiskFile>;
  /** Names in a directory, sorted. */
  list(directory: string): Promise<string[]>;
  /** Makes a directory and its parents, each durably; one that exists is fine. */
  makeDirectory(path: string): Promise<void>;
  /** Replaces `to` atomically; durable after `syncDirectory` of the directory. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; durable after `syncDirectory`. One that is not there is fine. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes a directory for this process alone, until `release` or the end of the process; the directory gets a file
   * `LOCK.<number>` that stays. @throws Error with code `ELOCKED` naming the holder when it is taken
   */
  lock(directory: string): Promise<DirectoryLock>;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

export interface OpenOptions {
  readonly create?: boolean;
  readonly syncedWrites?: boolean;
}

/** An open file. Reads and writes name their offset. */
export interface DiskFile {
  size(): Promise<number>;
  /** Up to `length` bytes from `offset`; fewer at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /**
   * Writes all parts, which must not change meanwhile, one after the other from `offset`; durable only after `sync`.
   * After a failure (`ENOSPC`, `EIO`) some of the bytes may be there.
   */
  write(offset: number, parts: readonly Uint8Array[]): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Makes written bytes and the size durable (fdatasync). After a failure the file's content is unknown: never retry. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
