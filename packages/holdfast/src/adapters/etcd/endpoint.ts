import type { CallOptions, Client, ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { systemClock } from "../../runtime/system.ts";
import type { WireMessage } from "../etcd-protocol/index.ts";
import { isLost } from "./etcd-error.ts";
import type { EtcdLibrary } from "./etcd-library.ts";
import { etcdMethods, type EtcdMethod } from "./etcd-methods.ts";
import type { EndpointAddress, EtcdSettings } from "./etcd-options.ts";

/** How one attempt ended. */
export type AttemptOutcome =
  | { readonly type: "answer"; readonly message: WireMessage }
  | { readonly type: "failure"; readonly error: ServiceError };

export interface AttemptOptions {
  /** By the system's clock. */
  readonly deadline: number;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

export type EtcdStream = ClientDuplexStream<WireMessage, WireMessage>;

/** The first wait before connecting anew, and the longest. */
const reconnectMs = { first: 100, longest: 1_000 };
const probeMs = 200;

/** One endpoint, and the connection to it. */
export class Endpoint {
  readonly host: string;
  readonly #library: EtcdLibrary;
  readonly #client: Client;

  constructor({ host, secure }: EndpointAddress, settings: EtcdSettings, library: EtcdLibrary) {
    const { credentials } = library.grpc;
    const { ca, cert, key, serverName } = settings.tls;
    this.host = host;
    this.#library = library;
    this.#client = new library.grpc.Client(
      host,
      secure ? credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert)) : credentials.createInsecure(),
      {
        "grpc.keepalive_time_ms": settings.pingIntervalMs,
        "grpc.keepalive_timeout_ms": settings.pingTimeoutMs,
        "grpc.initial_reconnect_backoff_ms": reconnectMs.first,
        "grpc.max_reconnect_backoff_ms": reconnectMs.longest,
        // Size is etcd's to judge, and a range may be large.
        "grpc.max_receive_message_length": -1,
        "grpc.max_send_message_length": -1,
        // Settings of the connection are this client's own, and nobody else configures its calls.
        "grpc.use_local_subchannel_pool": 1,
        "grpc.service_config_disable_resolution": 1,
        ...(serverName === undefined ? {} : { "grpc.ssl_target_name_override": serverName }),
      },
    );
  }

  /** Resolves to whether there is a connection, as soon as that is known. Until there is one, nothing is sent. */
  async connect(deadline: number): Promise<boolean> {
    const { READY, TRANSIENT_FAILURE, SHUTDOWN } = this.#library.grpc.connectivityState;
    for (;;) {
      const channel = this.#client.getChannel();
      const state = channel.getConnectivityState(true);
      if (state === READY) return true;
      if (state === TRANSIENT_FAILURE || state === SHUTDOWN) return false;
      if (systemClock.now() >= deadline) return false;
      await new Promise<void>((resolve) => {
        channel.watchConnectivityState(state, toWallTime(deadline), () => resolve());
      });
    }
  }

  /** One try of a method that answers one message with one. */
  attempt(method: EtcdMethod, message: WireMessage, options: AttemptOptions): Promise<AttemptOutcome> {
    const { types } = this.#library;
    const { signal } = options;
    return new Promise((resolve) => {
      const cancel = (): void => call.cancel();
      const call = this.#client.makeUnaryRequest<WireMessage, WireMessage>(
        method.path,
        types(method.request).encode,
        types(method.response).decode,
        message,
        this.#metadata(options),
        { deadline: toWallTime(options.deadline) },
        (error, answer) => {
          signal?.removeEventListener("abort", cancel);
          if (error === null) resolve({ type: "answer", message: answer as WireMessage });
          else resolve({ type: "failure", error });
        },
      );
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  open(method: EtcdMethod, options: Omit<AttemptOptions, "deadline">): EtcdStream {
    const { types } = this.#library;
    const callOptions: CallOptions = {};
    return this.#client.makeBidiStreamRequest<WireMessage, WireMessage>(
      method.path,
      types(method.request).encode,
      types(method.response).decode,
      this.#metadata(options),
      callOptions,
    );
  }

  /** Why there is no connection: the client tells only those who call. */
  async whyNot(): Promise<ServiceError | undefined> {
    const outcome = await this.attempt(etcdMethods.status, {}, { deadline: systemClock.now() + probeMs });
    return outcome.type === "failure" && isLost(outcome.error) ? outcome.error : undefined;
  }

  close(): void {
    this.#client.close();
  }

  #metadata({ headers = {} }: Pick<AttemptOptions, "headers">): InstanceType<EtcdLibrary["grpc"]["Metadata"]> {
    const metadata = new this.#library.grpc.Metadata();
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) metadata.set(name, value);
    return metadata;
  }
}

function toWallTime(deadline: number): Date {
  return new Date(systemClock.wallTime() + Math.max(0, deadline - systemClock.now()));
}

function toBuffer(value: string | Uint8Array | undefined): Buffer | null {
  return value === undefined ? null : Buffer.from(value as Uint8Array);
}
