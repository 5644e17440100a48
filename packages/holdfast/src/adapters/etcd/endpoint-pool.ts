import { systemClock, systemRandom } from "../../runtime/system.ts";
import { Endpoint } from "./endpoint.ts";
import { EtcdError } from "./etcd-error.ts";
import { loadEtcdLibrary } from "./etcd-library.ts";
import type { EtcdSettings } from "./etcd-options.ts";

const backoffMs = { first: 25, longest: 500 };

/** All endpoints. One is in use, by everybody, until it fails; then the next one in turn. */
export class EndpointPool {
  readonly settings: EtcdSettings;
  /** Aborts when the pool is closed. */
  readonly closing: AbortSignal;
  readonly #controller = new AbortController();
  #endpoints: Promise<readonly Endpoint[]> | undefined;
  #current: number;

  constructor(settings: EtcdSettings) {
    this.settings = settings;
    this.closing = this.#controller.signal;
    // Clients that start together spread over the endpoints.
    this.#current = Math.floor(systemRandom.next() * settings.endpoints.length);
  }

  get size(): number {
    return this.settings.endpoints.length;
  }

  get closed(): boolean {
    return this.closing.aborted;
  }

  /** The one in use. @throws Error when a package that is needed is not installed */
  async current(): Promise<Endpoint> {
    this.#endpoints ??= this.#open();
    const endpoints = await this.#endpoints;
    return endpoints[this.#current] as Endpoint;
  }

  /** The next one is to be used, unless that has happened already. */
  async leave(endpoint: Endpoint): Promise<void> {
    if ((await this.current()) === endpoint) this.#current = (this.#current + 1) % this.size;
  }

  /** What to say when none of them could be connected to. */
  async unreachable(): Promise<EtcdError> {
    const endpoint = await this.current();
    const cause = await endpoint.whyNot();
    const hosts = this.settings.endpoints.map(({ host }) => host).join(", ");
    const reason = cause?.details.replace(/^.*Last error: (?:Error: )?/s, "").replace(/\. Resolution note:.*$/s, "");
    const message = `no endpoint can be reached (${hosts})${reason === undefined ? "" : `: ${reason}`}`;
    return new EtcdError("ENDPOINTS_UNREACHABLE", message, { kind: "network", cause });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.#controller.abort();
    for (const endpoint of (await this.#endpoints?.catch(() => [])) ?? []) endpoint.close();
  }

  async #open(): Promise<readonly Endpoint[]> {
    const library = await loadEtcdLibrary();
    return this.settings.endpoints.map((address) => new Endpoint(address, this.settings, library));
  }
}

/** Counts attempts, and waits when every endpoint has had one: longer each round, and no longer than to the deadline. */
export class Rounds {
  readonly #pool: EndpointPool;
  #attempts = 0;
  #waitMs = backoffMs.first;

  constructor(pool: EndpointPool) {
    this.#pool = pool;
  }

  /** To be called after a failed attempt. */
  async next(deadline: number = Infinity): Promise<void> {
    this.#attempts++;
    if (this.#attempts % this.#pool.size !== 0) return;
    const waitMs = Math.min(this.#waitMs * (0.5 + systemRandom.next() / 2), deadline - systemClock.now());
    this.#waitMs = Math.min(2 * this.#waitMs, backoffMs.longest);
    if (waitMs <= 0) return;
    await systemClock.sleep(waitMs, { signal: this.#pool.closing }).catch(() => undefined);
  }
}
