import { connect, type Socket } from "node:net";
import { StreamShaper, StruckConnection, type Direction, type ProxyFault } from "../../proof/index.ts";
import type { Address, Clock, RandomSource, Timer } from "../../runtime/index.ts";
import type { ProxyFaults } from "./proxy-faults.ts";

export interface ProxiedConnectionOptions {
  readonly client: Socket;
  readonly upstream: Address;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly faults: ProxyFaults;
  readonly maxHeldBytes: number;
  readonly onBytes: (direction: Direction, count: number) => void;
  readonly onUpstreamFailed: () => void;
  readonly onClose: () => void;
}

/** A client's connection and its other half to the upstream, with a shaper for each direction between them. */
export class ProxiedConnection {
  readonly #options: ProxiedConnectionOptions;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #struck: StruckConnection;
  readonly #shapers: Readonly<Record<Direction, StreamShaper>>;
  readonly #resets = new Map<string, Timer>();
  readonly #forget: () => void;
  #open = 2;
  #isConnected = false;

  constructor(options: ProxiedConnectionOptions) {
    this.#options = options;
    this.#client = options.client;
    const { host, port } = options.upstream;
    this.#upstream = connect({ host, port, noDelay: true, allowHalfOpen: true });
    this.#struck = new StruckConnection(options.random);
    this.#shapers = {
      up: this.#shaper("up", this.#client, this.#upstream),
      down: this.#shaper("down", this.#upstream, this.#client),
    };
    this.#upstream.once("connect", () => (this.#isConnected = true));
    this.#join(this.#client, this.#upstream, "up", "down");
    this.#join(this.#upstream, this.#client, "down", "up");
    this.#forget = options.faults.onChange(() => this.#change());
    if (options.faults.size > 0) this.#change();
  }

  /** Both sides learn of a reset; what is under way is lost. */
  reset(): void {
    this.#stop();
    for (const socket of [this.#client, this.#upstream]) {
      // One that is still connecting would first finish that.
      if (socket.connecting) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  #shaper(direction: Direction, from: Socket, to: Socket): StreamShaper {
    const { clock, random, maxHeldBytes, onBytes } = this.#options;
    return new StreamShaper({
      clock,
      random,
      maxHeldBytes,
      sink: {
        write(bytes) {
          onBytes(direction, bytes.length);
          // Who can write no more has ended by an error or a close, which is told by itself.
          return !to.writable || to.write(bytes);
        },
        end: () => void to.end(),
        resume: () => void from.resume(),
        close: () => this.#closeSoon(),
        reset: () => this.reset(),
      },
    });
  }

  #join(socket: Socket, other: Socket, sends: Direction, gets: Direction): void {
    socket.on("data", (chunk: Buffer) => {
      if (!this.#shapers[sends].push(chunk)) socket.pause();
    });
    socket.on("end", () => this.#shapers[sends].end());
    socket.on("drain", () => this.#shapers[gets].drained());
    socket.on("error", () => {
      if (socket === this.#upstream && !this.#isConnected) this.#options.onUpstreamFailed();
      // The other side learns what happened: that the connection broke.
      this.reset();
    });
    socket.on("close", () => {
      // Whoever closed before it had read everything reads nothing more.
      if (!other.destroyed && !socket.readableEnded) other.destroySoon();
      if (--this.#open > 0) return;
      this.#stop();
      this.#options.onClose();
    });
  }

  #change(): void {
    const struck = this.#struck.meet(this.#options.faults.present);
    this.#scheduleResets(struck);
    for (const direction of ["up", "down"] as const) {
      this.#shapers[direction].setFaults(this.#struck.inDirection(struck, direction));
    }
  }

  #scheduleResets(struck: readonly ProxyFault[]): void {
    const wanted = new Map(struck.filter(({ fault }) => fault.kind === "reset").map((one) => [one.fault.id, one]));
    for (const [id, timer] of this.#resets) {
      if (wanted.has(id)) continue;
      timer.cancel();
      this.#resets.delete(id);
    }
    for (const [id, one] of wanted) {
      if (this.#resets.has(id)) continue;
      const reset = (): void => {
        one.strike();
        this.reset();
      };
      this.#resets.set(id, this.#options.clock.setTimer(one.fault.values["afterMs"] ?? 0, reset));
    }
  }

  #closeSoon(): void {
    this.#stop();
    for (const socket of [this.#client, this.#upstream]) {
      // Nobody reads any more; what comes must not stand in the way of the end.
      socket.resume();
      socket.destroySoon();
    }
  }

  #stop(): void {
    this.#forget();
    for (const timer of this.#resets.values()) timer.cancel();
    this.#shapers.up.close();
    this.#shapers.down.close();
  }
}
