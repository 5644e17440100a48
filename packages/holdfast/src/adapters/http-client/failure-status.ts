import { InvalidArgumentError } from "../../errors/index.ts";

/** Which answers count as failures: statuses, or a function of the status. */
export type FailureStatuses = readonly number[] | ((status: number) => boolean);

/** Timed out, too many, and the ways in which a server or a proxy says that it is not itself at the moment. */
export const failureStatuses: readonly number[] = [408, 429, 500, 502, 503, 504];

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function toFailureTest(name: string, option: FailureStatuses = failureStatuses): (status: number) => boolean {
  if (typeof option === "function") return option;
  if (!Array.isArray(option)) throw new InvalidArgumentError(name, "must be a list of statuses or a function", option);
  option.forEach((status: unknown, at) => {
    if (!Number.isInteger(status) || (status as number) < 100 || (status as number) > 599) {
      throw new InvalidArgumentError(`${name}[${at}]`, "must be an integer >= 100 and <= 599", status);
    }
  });
  const statuses = new Set<number>(option);
  return (status) => statuses.has(status);
}
