import { checkInteger, checkOneOf, InvalidArgumentError } from "holdfast/errors/base";
import type { DrillScenario } from "holdfast/proof";
import { isLocalHost } from "../../faults/request-guard.ts";
import { readDependency, type NamedDependency } from "../dependency/dependency-call.ts";

/** A service of somebody else's that a drill puts under load, and the way to what it depends on. */
export interface ServiceSettings {
  readonly url: URL;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Sent with each call; empty for none. */
  readonly body: string;
  readonly contentType: string;
  /** How long a caller waits. */
  readonly timeoutMs: number;
  readonly dependency: NamedDependency;
  /** The port of this machine at which the service reaches its dependency. */
  readonly through: number;
  readonly ratePerSecond: number;
}

const serviceDefaults = {
  method: "GET",
  contentType: "application/json",
  timeoutMs: 5_000,
  ratePerSecond: 50,
} as const;

export const serviceStageNames: readonly string[] = [
  "kind",
  "service",
  "dependency",
  "through",
  "method",
  "body",
  "contentType",
  "timeoutMs",
];

const maxRate = 1_000;
const maxCalls = 200_000;
const maxBody = 64 * 1024;

/**
 * Reads the stage of a drill of a service. Whoever drills a service of another machine has to say so: it is put under load.
 *
 * @throws InvalidArgumentError naming what is wrong by its place in a scenario
 */
export function readServiceStage(
  { stage, load, rounds }: DrillScenario,
  { allowRemote }: { readonly allowRemote: boolean },
): ServiceSettings {
  const { service, dependency, body = "", method = serviceDefaults.method } = stage;
  const { contentType = serviceDefaults.contentType } = stage;
  const url = typeof service === "string" ? URL.parse(service) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.hash !== "") {
    throw new InvalidArgumentError("stage.service", "must be a URL like http://127.0.0.1:8080/orders", service);
  }
  if (!allowRemote && !isLocalHost(url.hostname.replace(/^\[(.*)\]$/, "$1"))) {
    const rule = "must be of this machine, unless --allow-remote says that another is meant to be put under load";
    throw new InvalidArgumentError("stage.service", rule, service);
  }
  const read = typeof dependency === "string" ? readDependency(dependency) : undefined;
  if (read === undefined) {
    throw new InvalidArgumentError("stage.dependency", "must be like postgresql=127.0.0.1:5432", dependency);
  }
  const through = checkInteger("stage.through", stage["through"], 1, 65_535);
  if (isLocalHost(read.address.host) && read.address.port === through) {
    const rule = "must be another port than the dependency's own: the service is to reach it by way of the drill";
    throw new InvalidArgumentError("stage.through", rule, through);
  }
  if (typeof body !== "string" || body.length > maxBody) {
    throw new InvalidArgumentError("stage.body", `must be text of at most ${maxBody} characters`, body);
  }
  if (typeof contentType !== "string" || !/^[\x20-\x7e]{1,200}$/.test(contentType)) {
    throw new InvalidArgumentError("stage.contentType", "must be like application/json", contentType);
  }
  const ratePerSecond = load.ratePerSecond === 0 ? serviceDefaults.ratePerSecond : load.ratePerSecond;
  if (ratePerSecond > maxRate) throw new InvalidArgumentError("load.rate", `must be at most ${maxRate}`, ratePerSecond);
  if ((ratePerSecond * load.forMs * rounds) / 1_000 > maxCalls) {
    const rule = `must not come to more than ${maxCalls} calls with its time and rounds`;
    throw new InvalidArgumentError("load.rate", rule, ratePerSecond);
  }
  return {
    url,
    method: checkOneOf("stage.method", method, ["GET", "POST", "PUT", "DELETE"] as const),
    body,
    contentType,
    timeoutMs: checkInteger("stage.timeoutMs", stage["timeoutMs"] ?? serviceDefaults.timeoutMs, 1, 60_000),
    dependency: read,
    through,
    ratePerSecond,
  };
}
