import type { HistoryEvent } from "../history.ts";
import type { EventBudget } from "./event-budget.ts";

/** Takes a file's text piece by piece, and gives the events it completes. */
export interface HistorySource {
  /** @throws HistoryError */
  write(text: string): void;
  /** No more text follows. @throws HistoryError */
  end(): void;
  /** The line that the text has come to. */
  readonly line: number;
  readonly ignored: IgnoredEvents;
}

/** What a file holds beside the clients' events. */
export interface IgnoredEvents {
  /** Events of no client: the nemesis's. */
  readonly events: number;
  /** Lines of a log that are no events. */
  readonly lines: number;
}

export interface SourceOptions {
  readonly emit: (event: HistoryEvent) => void;
  readonly budget: EventBudget;
  /** Characters of one event. */
  readonly maxEventLength: number;
}
