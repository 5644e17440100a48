import type { ConfigurationChange } from "./configuration-change.ts";
import type { Configuration } from "./configuration.ts";
import { ConsensusError, type ConsensusErrorCode } from "./consensus-error.ts";
import type { ChangeMode, ChangeRequest, ConfigurationResult } from "./reconfiguration.ts";

interface Waiting {
  readonly resolve: (configuration: Configuration) => void;
  readonly reject: (error: Error) => void;
}

/** Who waits here for a change of the configuration. */
export class ChangeRequests {
  readonly #ask: (request: ChangeRequest) => void;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  /** @param ask feeds the core, which answers through `onResults` */
  constructor(ask: (request: ChangeRequest) => void) {
    this.#ask = ask;
  }

  start(changes: readonly ConfigurationChange[], mode: ChangeMode): Promise<Configuration> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#ask({ id, changes, mode });
    });
  }

  onResults(results: readonly ConfigurationResult[]): void {
    for (const result of results) {
      if ("configuration" in result) this.#waiting.get(result.id)?.resolve(result.configuration);
      else this.#refuse(result.id, result.refused);
      this.#waiting.delete(result.id);
    }
  }

  /** The core takes nothing more: what is in its log may still come to be. */
  close(): void {
    for (const id of this.#waiting.keys()) this.#refuse(id, "CHANGE_UNCERTAIN");
    this.#waiting.clear();
  }

  #refuse(id: number, code: ConsensusErrorCode): void {
    this.#waiting.get(id)?.reject(new ConsensusError(code));
  }
}
