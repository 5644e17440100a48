import type { FastifyRequest } from "fastify";
import { identityHeader } from "../etcd/request-identity.ts";
import { parseGrpcTimeout, requestOptions } from "../etcd/request-options.ts";
import { RequestError } from "../etcd/status.ts";
import { grpcCode } from "../grpc/status-code.ts";
import { parseJson } from "./json-integer.ts";

export const callerGone: Error = new Error("the caller closed its connection before the answer");

/** @throws RequestError */
export function parse(body: string): unknown {
  try {
    return parseJson(body);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RequestError(grpcCode.INVALID_ARGUMENT, `the body must be one JSON document: ${reason}`);
  }
}

export function optionsOf(request: FastifyRequest, signal: AbortSignal): ReturnType<typeof requestOptions> {
  const { headers } = request;
  // etcd's gateway hands on `Authorization` as it is, and other metadata under a prefix. No certificate speaks here.
  return requestOptions(signal, single(headers[identityHeader]), parseGrpcTimeout(single(headers["grpc-timeout"])), {
    tokens: [single(headers["grpc-metadata-token"]), headers.authorization],
  });
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(", ") : header;
}
