import type { Clock, Random } from "../runtime/index.ts";

/** What becomes of a share of a node's messages while a fault lasts. */
export interface MessageFault {
  readonly kind: "wrong" | "silent" | "delayed" | "duplicate" | "reordered";
  readonly share: number;
  /** How much later `delayed` ones leave, exactly; `duplicate` and `reordered` ones by up to that. Default 0. */
  readonly delayMs?: number;
  /** Strikes only what goes to these; everything when absent. */
  readonly to?: ReadonlySet<string>;
}

/** What happened to a message. */
export type MessageFaultCount =
  | "message-wrong"
  | "message-silenced"
  | "message-delayed"
  | "message-duplicated"
  | "message-late";

/** Where faults take hold of messages. */
export interface MessageFaults {
  /** Whether the network itself neither repeats nor reorders them, so that faults of the network must act here. */
  readonly isReliable: boolean;
  /** Begins a fault; returns what ends it. What has been held back by then still leaves. */
  begin(fault: MessageFault, random: Random, count: (kind: MessageFaultCount) => void): () => void;
}

export interface MessageTapOptions<Message> {
  /** A message as a liar would send it instead; undefined for one about which there is nothing to lie. */
  readonly falsify: (message: Message, random: Random) => Message | undefined;
  /** Whether messages travel over streams. */
  readonly isReliable: boolean;
}

interface Active extends MessageFault {
  readonly random: Random;
  readonly count: (kind: MessageFaultCount) => void;
}

/** One node's messages on their way out: passes them on, or does to them what the faults say. Outlives the node's lives. */
export class MessageTap<Message> implements MessageFaults {
  readonly isReliable: boolean;
  readonly #falsify: MessageTapOptions<Message>["falsify"];
  #active: readonly Active[] = [];

  constructor({ falsify, isReliable }: MessageTapOptions<Message>) {
    this.#falsify = falsify;
    this.isReliable = isReliable;
  }

  begin(fault: MessageFault, random: Random, count: (kind: MessageFaultCount) => void): () => void {
    const active = { ...fault, random, count };
    this.#active = [...this.#active, active];
    return () => {
      this.#active = this.#active.filter((one) => one !== active);
    };
  }

  /** Sends a message, now, later, changed, twice or not (then false); `clock` is that of the life that sends it. */
  send(message: Message, to: string, clock: Clock, forward: (message: Message) => void): boolean {
    let sent = message;
    let laterMs = 0;
    for (const { kind, share, delayMs = 0, to: only, random, count } of this.#active) {
      if (only?.has(to) === false || random.next() >= share) continue;
      switch (kind) {
        case "silent":
          count("message-silenced");
          return false;
        case "wrong": {
          const lie = this.#falsify(sent, random);
          if (lie === undefined) break;
          count("message-wrong");
          sent = lie;
          break;
        }
        case "delayed":
          count("message-delayed");
          laterMs += delayMs;
          break;
        case "reordered":
          count("message-late");
          laterMs += random.next() * delayMs;
          break;
        default: {
          count("message-duplicated");
          const copy = sent;
          clock.setTimer(random.next() * delayMs, () => forward(copy));
        }
      }
    }
    if (laterMs === 0) forward(sent);
    else clock.setTimer(laterMs, () => forward(sent));
    return true;
  }
}
