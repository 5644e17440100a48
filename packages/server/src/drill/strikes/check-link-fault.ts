import { checkOneOf, InvalidArgumentError } from "holdfast/errors/base";
import { checkNetworkFault, networkFaultKinds, type FaultParameters, type NetworkFaultKind } from "holdfast/proof";

/** Checks a fault of a proxy by its place in a scenario. @throws InvalidArgumentError: `faults[0].share must be …` */
export function checkLinkFault(kind: string, parameters: FaultParameters, path: string): void {
  checkOneOf(`${path}.kind`, kind, networkFaultKinds.tcp);
  refusedBy(path, () => checkNetworkFault(kind as NetworkFaultKind, parameters));
}

/** Runs a check of parameters, and names what it refuses by its place in a scenario. @throws InvalidArgumentError */
export function refusedBy(path: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!InvalidArgumentError.is(error)) throw error;
    throw Object.assign(error, { message: error.message.replace(/^parameters/, path) });
  }
}
