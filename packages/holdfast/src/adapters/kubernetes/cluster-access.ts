import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { InvalidArgumentError } from "../../errors/base.ts";
import { StepFailure } from "../../recovery/index.ts";

/** How to reach a cluster's API. */
export interface ClusterAccess {
  /** `https://HOST:PORT`; `http` only for a proxy of this machine. */
  readonly url: string;
  /** Read anew for every request: tokens are renewed. */
  readonly token?: string | (() => string);
  /** Who signs the server's certificate, PEM. */
  readonly ca?: string;
  /** A client's certificate and key, PEM, where there is no token. */
  readonly cert?: string;
  readonly key?: string;
}

const accountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";
const maxAnswerBytes = 4 * 1024 * 1024;

/** What a pod's service account is given. @throws InvalidArgumentError outside of a cluster */
export function inClusterAccess(directory: string = accountDirectory): ClusterAccess {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (host === undefined || port === undefined) {
    throw new InvalidArgumentError("KUBERNETES_SERVICE_HOST", "must be set, as it is in a pod", host);
  }
  return {
    url: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    token: () => readFileSync(`${directory}/token`, "utf8").trim(),
    ca: readFileSync(`${directory}/ca.crt`, "utf8"),
  };
}

export interface ApiRequest {
  readonly method: "GET" | "PATCH";
  readonly path: string;
  /** A strategic merge patch. */
  readonly patch?: object;
  readonly signal: AbortSignal;
}

/** The answer's document. @throws StepFailure with what the API says */
export async function askApi(access: ClusterAccess, { method, path, patch, signal }: ApiRequest): Promise<unknown> {
  const { url, token, ca, cert, key } = access;
  const bearer = typeof token === "function" ? token() : token;
  const body = patch === undefined ? undefined : JSON.stringify(patch);
  const { status, text } = await exchange(new URL(path, url), {
    method,
    headers: {
      accept: "application/json",
      ...(body === undefined
        ? {}
        : { "content-type": "application/strategic-merge-patch+json", "content-length": Buffer.byteLength(body) }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    signal,
    body,
  });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new StepFailure("service", `the API answered ${status}, and no JSON`, { cause });
  }
  if (status === 200) return document;
  const told = (document as { readonly message?: unknown } | null)?.message;
  // Not allowed, not there, not valid: asking again does not help.
  const retryable = status >= 500 || status === 429 || status === 409;
  throw new StepFailure(
    retryable ? "service" : "configuration",
    `the API answered ${status}${typeof told === "string" ? `: ${told}` : ""}`,
    { retryable },
  );
}

interface Exchange {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly signal: AbortSignal;
  readonly body: string | undefined;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

function exchange(
  url: URL,
  { body, ...options }: Exchange,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    // No connection is kept: requests are few, and far apart.
    const all = { ...options, agent: false };
    const request = url.protocol === "http:" ? httpRequest(url, all) : httpsRequest(url, all);
    const { signal } = options;
    const fail = (error: Error): void => reject(signal.aborted ? (signal.reason as Error) : error);
    request.once("error", fail);
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxAnswerBytes) request.destroy(new Error(`an answer of more than ${maxAnswerBytes} bytes`));
        else chunks.push(chunk);
      });
      response.once("error", fail);
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    request.end(body);
  });
}
