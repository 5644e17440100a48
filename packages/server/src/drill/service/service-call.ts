import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { ServiceSettings } from "./service-settings.ts";

export interface ServiceCaller {
  /** Resolves when the whole answer is there. Rejects unless its status is 2xx or 3xx, or with the signal's reason. */
  call(signal: AbortSignal): Promise<void>;
  close(): void;
}

const sockets = { keepAlive: true, maxSockets: 1_000, maxFreeSockets: 64 } as const;

/** Calls a service as its users do: over connections that are kept, without following where it sends them. */
export function serviceCaller({ url, method, body, contentType }: ServiceSettings): ServiceCaller {
  const isTls = url.protocol === "https:";
  const agent = isTls ? new HttpsAgent(sockets) : new HttpAgent(sockets);
  const request = isTls ? httpsRequest : httpRequest;
  const headers = {
    "user-agent": "holdfast-drill",
    ...(body === "" ? {} : { "content-type": contentType, "content-length": String(Buffer.byteLength(body)) }),
  };
  return {
    call: (signal) =>
      new Promise((resolve, reject) => {
        const fail = (error: Error): void => reject(signal.aborted ? (signal.reason as Error) : error);
        const asked = request(url, { method, headers, agent, signal }, (response) => {
          const { statusCode = 0 } = response;
          response.on("error", fail);
          response.on("end", () => {
            if (statusCode >= 200 && statusCode < 400) resolve();
            else reject(Object.assign(new Error(`answered ${statusCode}`), { code: `HTTP_${statusCode}` }));
          });
          response.resume();
        });
        asked.on("error", fail);
        asked.end(body === "" ? undefined : body);
      }),
    close: () => agent.destroy(),
  };
}
