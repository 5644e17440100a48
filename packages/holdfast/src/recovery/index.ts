export { followMembership } from "./follow-membership.ts";
export { redundancy } from "./redundancy.ts";
export type { Redundancy, RedundancyMetrics, RedundantContext } from "./redundancy.ts";
export { AnswerNotNeededError, NoAgreementError, NodeFailedError } from "./redundancy-error.ts";
export type { NodeFailure } from "./redundancy-error.ts";
export type {
  NoAgreementEvent,
  NodeEvent,
  PromotedEvent,
  RedundancyEvent,
  SuspectedEvent,
} from "./redundancy-event.ts";
export { redundancyDefaults } from "./redundancy-options.ts";
export type { RedundancyOptions, RedundantNode } from "./redundancy-options.ts";
export type { Decision } from "./redundant-call.ts";
export { sameAnswer } from "./same-answer.ts";
