import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { StepFailure, type GrpcHealthProbe } from "../../recovery/index.ts";
import { decodeResponse, encodeRequest } from "./health-messages.ts";

export interface GrpcHealthProbeOptions {
  /** Who signs the servers' certificates, PEM. */
  readonly ca?: string;
  /** What to show them, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

const path = "/grpc.health.v1.Health/Check";
const maxAnswerBytes = 64 * 1024;
const notFound = "5";
const unimplemented = "12";

/**
 * Asks by gRPC's health protocol (`grpc.health.v1.Health/Check`) over a connection of its own, `http` without and `https`
 * with TLS. A service that the server does not know is `SERVICE_UNKNOWN`.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * healthCheck({ grpc: grpcHealthProbe() });
 */
export function grpcHealthProbe(options: GrpcHealthProbeOptions = {}): GrpcHealthProbe {
  checkOptionNames("grpcHealthProbe", options, ["ca", "cert", "key"]);
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== "string") throw new InvalidArgumentError(`grpcHealthProbe.${name}`, "must be PEM text", value);
  }
  return async (url, service, { signal }) => {
    signal.throwIfAborted();
    const session = connect(url, options);
    const { promise: lost, reject } = Promise.withResolvers<never>();
    lost.catch(() => undefined);
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    session.once("error", reject);
    session.once("close", () => reject(new StepFailure("service", "the connection was closed")));
    try {
      return await Promise.race([ask(session, service), lost]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      // What comes after this is of no interest any more, its errors included.
      session.on("error", () => undefined);
      session.destroy();
    }
  };
}

function ask(session: ClientHttp2Session, service: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let told: IncomingHttpHeaders = {};
    stream.on("response", (headers) => (told = { ...told, ...headers }));
    stream.on("trailers", (trailers) => (told = { ...told, ...trailers }));
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) stream.close(constants.NGHTTP2_CANCEL);
      else chunks.push(chunk);
    });
    // That the stream is cancelled says less than why.
    stream.once("error", (error) => reject(error.cause ?? error));
    stream.once("close", () => {
      try {
        resolve(statusIn(told, Buffer.concat(chunks)));
      } catch (error) {
        reject(error);
      }
    });
    stream.end(encodeRequest(service));
  });
}

function statusIn(told: IncomingHttpHeaders, body: Buffer): string {
  const { "grpc-status": code, "grpc-message": message } = told;
  if (code === notFound) return "SERVICE_UNKNOWN";
  if (code === unimplemented) {
    throw new StepFailure("service", "the server does not speak grpc.health.v1", { retryable: false });
  }
  const status = told[":status"];
  if (code === undefined) throw new StepFailure("service", `no gRPC answer (HTTP status ${String(status ?? "none")})`);
  if (code !== "0") throw new StepFailure("service", `gRPC status ${String(code)}: ${String(message ?? "")}`);
  const answer = decodeResponse(body);
  if (answer === undefined) throw new StepFailure("service", "the answer cannot be read");
  return answer;
}
