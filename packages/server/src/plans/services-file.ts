import { readFileSync } from "node:fs";
import { combinedServices, type ServiceControl } from "holdfast/recovery";
import { environmentError, usageError, type ExitError } from "../cli/exit.ts";
import { readPlan } from "./read-plan.ts";
import { inClusterAccess, kubernetesServices } from "holdfast/adapters/kubernetes";
import {
  commandRunner,
  createServiceSupervisor,
  type ServiceEvent,
  type ServiceSupervisor,
} from "holdfast/adapters/process";
import { systemdServices } from "holdfast/adapters/systemd";

/** What a file of services holds. */
export interface ServicesFile {
  /** All of them. */
  readonly control: ServiceControl;
  /** Those that run as children of this process. */
  readonly supervisor: ServiceSupervisor | undefined;
}

type Part = Readonly<Record<string, unknown>>;

const parts = ["services", "stateDirectory", "systemd", "kubernetes"];

/** Reads YAML, of which JSON is a part. @throws ExitError with the place of the problem */
export function readServicesFile(file: string, onEvent: (event: ServiceEvent) => void): ServicesFile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw environmentError(`${file} cannot be read: ${(error as Error).message}`, error);
  }
  const read = readPlan(text);
  if ("length" in read) throw usageError(read.map(({ place, message }) => `${file}:${place}: ${message}`).join("\n"));
  const wrong = (path: string, message: string): ExitError =>
    usageError(`${file}:${read.placeOf(path)}: ${path === "" ? "" : `${path} `}${message}`);
  const { document } = read;
  if (!isPart(document)) throw wrong("", `must hold an object with ${parts.join(", ")}`);
  for (const name of Object.keys(document)) {
    if (!parts.includes(name)) throw wrong(name, `is no option; there are ${parts.join(", ")}`);
  }
  const { services, stateDirectory, systemd, kubernetes } = document;
  /** Makes a part, and says where in the file its mistake is. */
  const make = <T>(name: string, prefix: string, build: () => T): T => {
    try {
      return build();
    } catch (error) {
      const [, path, rest] = new RegExp(`^${prefix}\\.(\\S+) ([^]*)$`).exec((error as Error).message) ?? [];
      if (path === undefined || rest === undefined) throw wrong(name, (error as Error).message);
      throw wrong(name === "" ? path : `${name}.${path}`, rest);
    }
  };
  const supervisor =
    services === undefined
      ? undefined
      : make("", "serviceSupervisor", () =>
          createServiceSupervisor({
            services: services as never,
            ...(stateDirectory === undefined ? {} : { stateDirectory: stateDirectory as string }),
            onEvent,
          }),
        );
  const controls: ServiceControl[] = supervisor === undefined ? [] : [supervisor];
  if (systemd !== undefined) {
    controls.push(
      make("systemd", "systemdServices", () =>
        systemdServices({ run: commandRunner(), ...(systemd as { units: [] }) }),
      ),
    );
  }
  if (kubernetes !== undefined) controls.push(make("kubernetes", "kubernetesServices", () => clusterOf(kubernetes)));
  return { control: combinedServices(controls), supervisor };
}

function clusterOf(part: unknown): ServiceControl {
  if (!isPart(part)) throw new Error("must be an object with namespace, workloads, url, tokenFile, caFile");
  const { url, tokenFile, caFile, ...options } = part;
  const access =
    typeof url === "string"
      ? {
          url,
          ...(typeof tokenFile === "string" ? { token: () => readFileSync(tokenFile, "utf8").trim() } : {}),
          ...(typeof caFile === "string" ? { ca: readFileSync(caFile, "utf8") } : {}),
        }
      : inClusterAccess();
  return kubernetesServices({ access, ...(options as { workloads: [] }) });
}

function isPart(value: unknown): value is Part {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
