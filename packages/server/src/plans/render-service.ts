import { printable } from "../cli/terminal.ts";
import type { ServiceEvent } from "holdfast/adapters/process";

/** One line of what happened to a service. */
export function describeServiceEvent(event: ServiceEvent): string {
  return `service ${event.service}: ${describe(event)}`;
}

function describe(event: ServiceEvent): string {
  switch (event.type) {
    case "started":
      return `started, process ${event.pid ?? "none"}`;
    case "ready":
      return "ready";
    case "notReady":
      return printable(event.reason);
    case "exited": {
      const { exit, restartInMs } = event;
      const again = restartInMs === undefined ? "" : `; again in ${restartInMs} ms`;
      return `${describeEnd(exit)}${again}`;
    }
    case "givenUp":
      return `${describeEnd(event.exit)}; given up`;
    default:
      return `ended process ${event.pid}, which an earlier worker has left`;
  }
}

function describeEnd({ exitCode, signal, pid, lastWords }: Extract<ServiceEvent, { type: "exited" }>["exit"]): string {
  const how = pid === undefined ? "could not be started" : `ended with ${signal ?? `exit code ${exitCode}`}`;
  return lastWords === "" ? how : `${how}: ${printable(lastWords)}`;
}
