import { Metadata, type CallOptions, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import type { EchoClient } from "./failing-service.ts";

export interface Asked {
  readonly error: (ServiceError & { readonly cause?: unknown }) | null;
  readonly answer: string | undefined;
  /** Of every headers event: there must not be more than one. */
  readonly headers: readonly Metadata[];
  readonly status: StatusObject | undefined;
}

export interface AskOptions extends CallOptions {
  readonly metadata?: Metadata;
  /** Called with what cancels the call. */
  readonly onStart?: (cancel: () => void) => void;
}

/** One unary call, and all that its caller sees of it. */
export function ask(client: EchoClient, request: string, options: AskOptions = {}): Promise<Asked> {
  const { metadata = new Metadata(), onStart, ...rest } = options;
  return new Promise((resolve) => {
    const headers: Metadata[] = [];
    let result: { error: ServiceError | null; answer: string | undefined } = { error: null, answer: undefined };
    const call = client.say(request, metadata, rest, (error, answer) => {
      result = { error, answer };
    });
    call.on("metadata", (received: Metadata) => headers.push(received));
    call.on("status", (status: StatusObject) => resolve({ ...result, headers, status }));
    onStart?.(() => call.cancel());
  });
}
