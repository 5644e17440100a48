import type { RequestIdentity } from "holdfast/coordination";
import { RequestError, grpcCode } from "./status.ts";

/** gRPC metadata key and HTTP header that names a request, so that a retry of it is applied once. */
export const identityHeader = "holdfast-request";

const form = /^(\d{1,16})\/(\d{1,16})\/(\d{1,16})$/;

/** Reads `client/sequence/acknowledged`. @throws RequestError naming the header, the rule and the value */
export function parseIdentity(text: string): RequestIdentity {
  const parts = form.exec(text);
  const identity = { client: Number(parts?.[1]), sequence: Number(parts?.[2]), acknowledged: Number(parts?.[3]) };
  const { client, sequence, acknowledged } = identity;
  const valid =
    Number.isSafeInteger(client) && Number.isSafeInteger(sequence) && client >= 1 && acknowledged < sequence;
  if (valid) return identity;
  throw new RequestError(
    grpcCode.invalidArgument,
    `holdfast: header ${identityHeader} must be <client>/<sequence>/<acknowledged>, whole numbers with client >= 1 and ` +
      `acknowledged < sequence (got ${JSON.stringify(text.slice(0, 80))})`,
  );
}

export function formatIdentity(identity: RequestIdentity): string {
  return `${identity.client}/${identity.sequence}/${identity.acknowledged}`;
}
