import { CoordinationError, type Member } from "holdfast/coordination";
import { streaming, type Method, type RequestLimits, type StreamCall } from "./method.ts";
import { toWatchDemand } from "./watch-messages.ts";
import { WatchStream } from "./watch-stream.ts";

/** etcdserverpb.Watch */
export const watchMethods: readonly Method[] = [
  streaming(["/etcdserverpb.Watch/Watch", "/watch", "WatchRequest", "WatchResponse"], watch),
];

async function watch(member: Member, call: StreamCall, limits: RequestLimits): Promise<void> {
  if (call.requireLeader && member.status().leader === 0n) throw new CoordinationError("NO_LEADER");
  const stream = new WatchStream(member, call);
  try {
    await Promise.race([obey(stream, call, limits), stream.failed]);
  } finally {
    stream.close();
  }
}

async function obey(stream: WatchStream, { requests, options }: StreamCall, limits: RequestLimits): Promise<void> {
  for await (const message of requests) {
    const demand = toWatchDemand(message, limits.maxRequestBytes);
    if (demand?.type === "create") await stream.create(demand.id, demand.request);
    else if (demand?.type === "cancel") stream.cancel(demand.id);
    else if (demand?.type === "progress") stream.askProgress();
    await stream.ready;
  }
  // One who asks for nothing more still listens.
  const { signal } = options;
  if (signal?.aborted === false)
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
