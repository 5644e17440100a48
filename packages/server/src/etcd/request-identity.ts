import { grpcCode } from "../grpc/status-code.ts";
import type { RequestIdentity } from "holdfast/coordination";
import { RequestError } from "./status.ts";

/** gRPC metadata key and HTTP header that names a request, so that a retry of it is applied once. */
export const identityHeader = "holdfast-request";

const form = /^(\d{1,16})\/(\d{1,16})\/(\d{1,16})(?:\/(\d{1,16}))?$/;

/** Reads `client/sequence/acknowledged` with an optional `/since`. @throws RequestError naming the header, the rule and the value */
export function parseIdentity(text: string): RequestIdentity {
  const parts = form.exec(text)?.slice(1) ?? [];
  const [client = 0, sequence = 0, acknowledged = 0, since = 0] = parts.map((part) => Number(part ?? 0));
  if ([client, sequence, since].every(Number.isSafeInteger) && client >= 1 && acknowledged < sequence) {
    return { client, sequence, acknowledged, since };
  }
  throw new RequestError(
    grpcCode.INVALID_ARGUMENT,
    `holdfast: header ${identityHeader} must be <client>/<sequence>/<acknowledged>[/<since>], whole numbers with ` +
      `client >= 1 and acknowledged < sequence (got ${JSON.stringify(text.slice(0, 80))})`,
  );
}

export function formatIdentity({ client, sequence, acknowledged, since = 0 }: RequestIdentity): string {
  return `${client}/${sequence}/${acknowledged}${since === 0 ? "" : `/${since}`}`;
}
