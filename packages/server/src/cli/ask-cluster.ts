import { CoordinationError } from "holdfast/coordination";
import { HoldfastError } from "holdfast/errors/base";
import { gatewayClient, type GatewayClient } from "../client/gateway-client.ts";
import { isOutcomeUnknown, UnreachableError } from "../client/gateway-error.ts";
import { clientIdentity, identityOptions, type IdentityValues } from "./client-options.ts";
import { environmentError, ExitError, failure } from "./exit.ts";
import { endpoints, flag, integer, type Option } from "./option.ts";

/** What every command that talks to a cluster takes. */
export const clientOptions: {
  readonly endpoints: Option<readonly string[]>;
  readonly timeoutMs: Option<number>;
  readonly json: Option<boolean>;
} & typeof identityOptions = {
  endpoints,
  timeoutMs: integer({ min: 1, max: 3_600_000, default: 5000, help: "give up after so many milliseconds" }),
  ...identityOptions,
  json: flag("print one JSON document"),
};

/** Runs one question, and turns what can go wrong into a message that says what to do about it. */
export async function askCluster<T>(
  options: { readonly endpoints: readonly string[]; readonly timeoutMs: number } & IdentityValues,
  ask: (client: GatewayClient) => Promise<T>,
): Promise<T> {
  // Nobody listens anywhere: a person should hear so soon, and not after the time a slow cluster may take.
  const { endpoints: members, timeoutMs } = options;
  const client = gatewayClient({ endpoints: members, timeoutMs, ...clientIdentity(options), refusedTimeoutMs: 1000 });
  try {
    return await ask(client);
  } catch (error) {
    throw explainClientError(error);
  } finally {
    client.close();
  }
}

/** How OpenSSL says that nobody we trust has signed a member's certificate. */
const untrusted: ReadonlySet<unknown> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

function adviceFor({ tried }: UnreachableError): string {
  const codes = [...tried.values()].map((cause) => String((cause as NodeJS.ErrnoException).code));
  if (codes.some((code) => untrusted.has(code))) {
    return "Name who signs the members' certificates: --cacert FILE (or HOLDFAST_CACERT)";
  }
  if (codes.some((code) => /ALERT_(CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE)/.test(code))) {
    return "Show a certificate that the members trust: --cert FILE and --key FILE (or HOLDFAST_CERT, HOLDFAST_KEY)";
  }
  if (codes.includes("CERT_HAS_EXPIRED")) {
    return "Renew the certificate in the member's --cert-file: it reads it again by itself";
  }
  if (codes.includes("ERR_TLS_CERT_ALTNAME_INVALID")) return "Ask by a name or address that the certificate is for";
  if (codes.includes("EPROTO")) return "Where the members do not speak TLS, their endpoints begin with http://";
  if (codes.includes("ECONNRESET")) {
    return "Where the members speak TLS, their endpoints begin with https://, and --cacert FILE says who signs for them";
  }
  // The platform's codes begin so: nobody was reached at all. Silence has none, and refusals have words.
  if (codes.some((code) => !/^E[A-Z_]+$/.test(code))) {
    return "A member is there, and could not do it: `holdfast status` tells whether a majority is alive";
  }
  return "Start a cluster with `holdfast up`, or name its members: --endpoints URL,URL (or HOLDFAST_ENDPOINTS)";
}

export function explainClientError(error: unknown): unknown {
  if (error instanceof UnreachableError) {
    return environmentError(`${error.message}\n${adviceFor(error)}`, error);
  }
  if (isOutcomeUnknown(error)) {
    const cause = (error as Error).cause;
    return failure(
      `the outcome is unknown: the request may have been applied or not` +
        `${cause instanceof UnreachableError ? ` (${cause.message})` : ""}\nLook whether it was before you repeat it.`,
      error,
    );
  }
  if (CoordinationError.is(error) && error.code === "NO_SPACE") {
    return failure(`${error.message}\nDelete keys, then: holdfast compact --keep 0, holdfast alarm disarm`, error);
  }
  if (HoldfastError.is(error) && error.message.endsWith("user name is empty")) {
    return failure(
      `${error.message}\nSay who asks: --user NAME[:PASSWORD] (or HOLDFAST_USER, HOLDFAST_PASSWORD)`,
      error,
    );
  }
  if (HoldfastError.is(error) && !(error instanceof ExitError)) return failure(error.message, error);
  return error;
}
