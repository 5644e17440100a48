import { Etcd3 } from "etcd3";
import type { Endpoint } from "./endpoint.ts";

/** What a feature does with a client, told so that it can be compared. */
export type Feature = (client: Etcd3) => Promise<unknown>;

/** Uses a feature on each endpoint, with a client of its own, and tells what came of it on each. */
export async function onEach(endpoints: readonly Endpoint[], feature: Feature): Promise<readonly unknown[]> {
  return await Promise.all(
    endpoints.map(async ({ client: address }) => {
      const client = new Etcd3({ hosts: `http://${address}` });
      try {
        return await feature(client);
      } finally {
        client.close();
      }
    }),
  );
}

/** How an attempt fails, in etcd3's own classes; `undefined` when it does not. */
export async function failureOf(attempt: () => unknown): Promise<string | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    const { constructor, message } = error as Error;
    return `${constructor.name}: ${message}`;
  }
}
