export { mockFaultKinds } from "./check-fault.ts";
export type { JournaledRequest, RequestOutcome } from "./journaled-request.ts";
export type { MockAnswer } from "./mock-answer.ts";
export type { MockFault, MockFaultHandle, MockFaultKind, MockFaultState } from "./mock-fault.ts";
export {
  defaultMockServiceOptions,
  type MockConfiguration,
  type MockControl,
  type MockServiceOptions,
} from "./mock-options.ts";
export type { MockRequest } from "./mock-request.ts";
export type { MockResource } from "./mock-resource.ts";
export type { MockHandler, MockRoute, MockStep } from "./mock-route.ts";
export type { MockRouteHandle, MockService, ReceivedRequests } from "./mock-service.ts";
export type { RequestFilter, RequestMatcher } from "./request-filter.ts";
export { defaultJournalOptions, type JournalOptions, type MockJournal, type WaitOptions } from "./request-journal.ts";
export { mockService } from "./running-service.ts";
export type { MockRouteInfo } from "./route-table.ts";
export type { TextRule } from "./text-rule.ts";
