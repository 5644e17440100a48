import { MalformedError, type ByteReader } from "../../wire/index.ts";
import { decodeCommand } from "../key-value/command-codec.ts";
import type { Command } from "../key-value/command.ts";
import type { Answer, Member, RequestOptions, ResponseHeader } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import { encodeOutcome, encodeRangeResponse } from "../key-value/outcome-codec.ts";
import {
  encodeContent,
  readAuthenticate,
  readTimeToLiveRequest,
  writeKeepAlive,
  writeLeases,
  writeTimeToLive,
} from "./remote-codec.ts";
import type { AnswerKind, RequestKind } from "./remote-protocol.ts";
import type { RemoteServiceLimits } from "./remote-service.ts";
import { requireVoter } from "./require-voter.ts";
import { readLease, readRange } from "../request-codec.ts";
import { validateTxn } from "../key-value/validate-request.ts";

/** An answer as it goes out: its content encoded. */
export interface RemoteAnswer {
  readonly kind: AnswerKind;
  readonly header: ResponseHeader;
  readonly body: Uint8Array;
}

const nothing = new Uint8Array(0);

/** Asks the member what a client asks. @throws MalformedError for a frame that is no request; what the member refuses with */
export async function performRequest(
  member: Member,
  kind: RequestKind,
  reader: ByteReader,
  options: RequestOptions,
  limits: Pick<Required<RemoteServiceLimits>, "maxRequestBytes" | "maxTxnOps">,
  /** Told what a command asks for. */
  onOperation?: (type: string) => void,
): Promise<RemoteAnswer> {
  if (kind !== "range") requireVoter(member);
  switch (kind) {
    case "command": {
      const bytes = reader.bytes(reader.remaining, "command");
      if (bytes.length > limits.maxRequestBytes) throw new CoordinationError("REQUEST_TOO_LARGE");
      const command = decodeCommand(bytes);
      onOperation?.(command.operation.type);
      return performCommand(member, command, options, limits.maxTxnOps);
    }
    case "range": {
      const request = readRange(reader);
      reader.end("range");
      if (request.serializable !== true) requireVoter(member);
      const answer = await member.range(request, options);
      return { kind, header: answer.header, body: encodeRangeResponse(answer) };
    }
    case "leaseKeepAlive": {
      const id = readLease(reader, "leaseKeepAlive.id");
      reader.end("leaseKeepAlive");
      const answer = await member.leaseKeepAlive({ id }, options);
      return { kind, header: answer.header, body: encodeContent((writer) => writeKeepAlive(writer, answer)) };
    }
    case "leaseTimeToLive": {
      const request = readTimeToLiveRequest(reader);
      reader.end("leaseTimeToLive");
      const answer = await member.leaseTimeToLive(request, options);
      return { kind, header: answer.header, body: encodeContent((writer) => writeTimeToLive(writer, answer)) };
    }
    case "leases": {
      reader.end("leases");
      const answer = await member.leases(options);
      return { kind, header: answer.header, body: encodeContent((writer) => writeLeases(writer, answer)) };
    }
    case "revision": {
      reader.end("revision");
      // The cheapest question that is answered as of now, whoever asks.
      const { header } = await member.leases(options);
      return { kind, header, body: nothing };
    }
    case "authenticate": {
      const request = readAuthenticate(reader);
      reader.end("authenticate");
      const { token, header } = await member.auth.authenticate(request, options);
      return { kind: "token", header, body: encodeContent((writer) => writer.utf8(token)) };
    }
    default:
      throw new MalformedError("request.kind", 0, "must be a request");
  }
}

async function performCommand(
  member: Member,
  { identity, caller, operation }: Command,
  options: RequestOptions,
  maxTxnOps: number,
): Promise<RemoteAnswer> {
  // Who asks is for the member to find out.
  if (caller !== undefined) throw new MalformedError("command.caller", 0, "must not be there");
  const named = identity === undefined ? options : { ...options, identity };
  const { type } = operation;
  switch (type) {
    case "put":
      return outcome({ type }, await member.put(operation.request, named));
    case "deleteRange":
      return outcome({ type }, await member.deleteRange(operation.request, named));
    case "txn":
      validateTxn(operation.request, maxTxnOps);
      return outcome({ type }, await member.txn(operation.request, named));
    case "compact":
      return outcome({ type }, await member.compact(operation.request, named));
    case "leaseGrant":
      return outcome({ type }, await member.leaseGrant(operation.request, named));
    case "leaseRevoke":
      return outcome({ type }, await member.leaseRevoke(operation.request, named));
    default:
      throw new MalformedError("command.operation", 1, "must be one that clients may ask for");
  }
}

type Answered = Parameters<typeof encodeOutcome>[0];

function outcome({ type }: { readonly type: string }, response: Answer<object>): RemoteAnswer {
  const { header } = response;
  const body = encodeOutcome({ type, response, revision: header.revision } as Answered, Infinity);
  return { kind: "outcome", header, body: body ?? nothing };
}
