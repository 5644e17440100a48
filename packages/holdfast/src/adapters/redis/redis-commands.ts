import { InvalidArgumentError } from "../../errors/base.ts";

/**
 * As much of a Redis client as is needed: `ioredis` has `call`, `redis` (node-redis) and its kin `sendCommand`. Without a
 * key prefix of its own, which it would put before names that have it already.
 */
export type RedisClient =
  | { call(command: string, ...args: string[]): Promise<unknown> }
  | { sendCommand(args: string[]): Promise<unknown> };

export type RedisCommand = (command: string, ...args: string[]) => Promise<unknown>;

/** @throws InvalidArgumentError */
export function redisCommand(name: string, client: RedisClient): RedisCommand {
  const { keyPrefix } = ((client as { readonly options?: unknown }).options ?? {}) as { readonly keyPrefix?: unknown };
  if (keyPrefix !== undefined && keyPrefix !== "") {
    throw new InvalidArgumentError(name, "must be a client without a keyPrefix of its own", keyPrefix);
  }
  if ("call" in client && typeof client.call === "function") return (command, ...args) => client.call(command, ...args);
  if ("sendCommand" in client && typeof client.sendCommand === "function") {
    return (command, ...args) => client.sendCommand([command, ...args]);
  }
  throw new InvalidArgumentError(name, "must have call, as ioredis, or sendCommand, as node-redis", typeof client);
}

/** A pattern that fits what begins with a text, whatever is in it. */
export function prefixPattern(prefix: string): string {
  return `${prefix.replaceAll(/[\\*?[\]^-]/g, "\\$&")}*`;
}
