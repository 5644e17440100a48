import { InvalidArgumentError } from "../../errors/base.ts";
import type { ServiceControl } from "./service-control.ts";

/** One control for the services of several, each of which says whose it is (`refuses`); the first that has it acts. */
export function combinedServices(controls: readonly ServiceControl[]): ServiceControl {
  for (const control of controls) {
    if (typeof control.refuses !== "function") {
      throw new InvalidArgumentError("combinedServices", "must be controls that refuse what is not theirs", control);
    }
  }
  const refusal = (service: string): string =>
    controls.map((control) => control.refuses?.(service)).join(", or ") || "there are no services here";
  const find = (service: string): ServiceControl => {
    const found = controls.find((control) => control.refuses?.(service) === undefined);
    if (found === undefined) throw new InvalidArgumentError("service", refusal(service), service);
    return found;
  };
  return {
    refuses: (service) =>
      controls.some((control) => control.refuses?.(service) === undefined) ? undefined : refusal(service),
    restart: (service, request) => find(service).restart(service, request),
    status: (service, options) => find(service).status(service, options),
  };
}
