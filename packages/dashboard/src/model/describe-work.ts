import type { EventOf, TelemetryEventType } from "holdfast/telemetry";
import { spanText } from "./span-text.ts";

/** Words for what is done to bring something back: healing, recovery, plans, and the health of services. */
export const workDescribers: { readonly [Type in TelemetryEventType]?: (event: EventOf<Type>) => string } = {
  healingStarted: ({ text, because }) => `${text}, because ${because}`,
  healingEnded: ({ text, outcome, reason, tookMs }) =>
    `${text}: ${outcome} after ${spanText(tookMs)}${reason === null ? "" : `, ${reason}`}`,
  healingWithheld: ({ text, because, guard, reason }) =>
    `${text} would be right (${because}); ${guard} holds it: ${reason}`,
  healingPersonWanted: ({ reason }) => `somebody has to look: ${reason}`,
  clusterWeakened: ({ reason }) => `the cluster is not at full strength: ${reason}`,
  clusterRestored: ({ tookMs }) => `the cluster is at full strength again, after ${spanText(tookMs)}`,
  recoveryDecided: ({ target, failure, decision, because }) =>
    `${target} (${failure}): ${decision}, because ${because}`,
  targetRecovered: ({ target, failure, attempts, durationMs }) =>
    `${target} (${failure}) is well again after ${spanText(durationMs)}, ${attempts} ${attempts === 1 ? "attempt" : "attempts"}`,
  personWanted: ({ target, because }) => `somebody has to look at ${target}: ${because}`,
  componentHealthChanged: ({ component, state, was, details }) =>
    `${component} is ${state}, was ${was}${details === null ? "" : `: ${details}`}`,
  healthChanged: ({ state, isReady, isDraining }) =>
    `is ${state}${isDraining ? ", draining" : isReady ? "" : ", not ready"}`,
  executionStarted: ({ plan, execution }) => `${plan} begins (${execution})`,
  executionCompleted: ({ plan, execution }) => `${plan} is done (${execution})`,
  takenOver: ({ plan, by }) => `${plan} goes on at ${by}`,
  stepStarted: ({ plan, step, attempt }) => `${plan}: ${step} begins${again(attempt)}`,
  stepCompleted: ({ plan, step, attempt }) => `${plan}: ${step} is done${again(attempt)}`,
  stepFailed: ({ plan, step, attempt, error }) => `${plan}: ${step} failed${again(attempt)}: ${error.message}`,
  stepTimedOut: ({ plan, step, attempt }) => `${plan}: ${step} took too long${again(attempt)}`,
  approvalWanted: ({ plan, step }) => `${plan}: ${step} waits for somebody to approve it`,
};

function again(attempt: number): string {
  return attempt > 1 ? ` (try ${attempt})` : "";
}
