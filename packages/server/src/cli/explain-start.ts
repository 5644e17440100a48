import { HoldfastError } from "holdfast/errors/base";
import type { Address } from "holdfast/runtime";
import { describePortError } from "../supervisor/port-check.ts";
import { environmentError, ExitError, usageError } from "./exit.ts";

/** What a node is told to use. */
export interface NodePlaces {
  readonly name: string;
  readonly data: string;
  readonly client: Address;
  readonly peer: Address;
  readonly http: Address;
  readonly gossip: Address;
}

/** Says of an error of the surroundings which option it concerns. @throws ExitError */
export async function explained<T>(places: NodePlaces, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof ExitError) throw error;
    if (HoldfastError.is(error) && error.code === "INVALID_ARGUMENT") throw usageError(error.message);
    throw environmentError(explain(error as Error, places), error);
  }
}

function explain(error: Error, places: NodePlaces): string {
  // The platform's error, with the port it concerns, lies below what wraps it.
  const platform = deepest(error) as NodeJS.ErrnoException & { readonly port?: number };
  const code = platform.code ?? "";
  if (["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"].includes(code)) {
    const names = ["client", "peer", "http", "gossip"] as const;
    const name = names.find((candidate) => places[candidate].port === platform.port);
    if (name !== undefined) return `${describePortError(places[name], platform)}; choose another: --${name} HOST:PORT`;
  }
  if (code === "EACCES" || code === "EROFS" || code === "EPERM" || code === "ENOTDIR" || code === "ENOENT") {
    return `the data directory ${places.data} cannot be written (${code}); name another one: --data DIR`;
  }
  if (code === "ELOCKED") return `${error.message}; is ${places.name} running already? Else name another: --data DIR`;
  if ((error as { readonly code?: unknown }).code === "FOREIGN_DIRECTORY") {
    return `${error.message}; name ${places.name}'s own directory: --data DIR`;
  }
  return error.message;
}

function deepest(error: Error): Error {
  return error.cause instanceof Error ? deepest(error.cause) : error;
}
