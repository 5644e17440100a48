import type { ServerResponse } from "node:http";
import type { Admission } from "./admission.ts";
import type { Refusal } from "./refusal.ts";
import { ResponseFailedError } from "./response-error.ts";

/** What is used of a response: Node's for HTTP/1, and that of its HTTP/2 compatibility layer. */
export type NodeResponse = Pick<
  ServerResponse,
  "once" | "closed" | "destroyed" | "statusCode" | "writableEnded" | "errored" | "writeHead" | "end"
> &
  Partial<Pick<ServerResponse, "writableFinished">>;

/**
 * Ends the admission when the response is over. "close" comes once for every response, whether it was sent in full or the
 * connection was lost before.
 */
export function endWithResponse(
  response: NodeResponse,
  admission: Admission,
  isFailure: (status: number) => boolean,
): void {
  response.once("close", () => {
    const { statusCode, errored } = response;
    if (isSent(response)) {
      if (isFailure(statusCode)) admission.fail(new ResponseFailedError(statusCode));
      else admission.succeed();
    } else if (errored !== null && errored !== undefined && !isReset(errored)) {
      admission.fail(new ResponseFailedError(undefined, errored));
    } else admission.abandon();
  });
}

export function sendRefusal(response: NodeResponse, { status, headers, body }: Refusal): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

/** Whether "close" has been: then it does not come again. */
export function isClosed({ closed, destroyed }: Pick<NodeResponse, "closed" | "destroyed">): boolean {
  return closed || destroyed;
}

/** HTTP/2's response does not say whether the last byte went out. */
function isSent({ writableFinished, writableEnded }: NodeResponse): boolean {
  return writableFinished ?? writableEnded;
}

function isReset(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === "ECONNRESET";
}
