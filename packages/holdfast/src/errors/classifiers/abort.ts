import type { Classifier } from "../classifier.ts";

/** Reasons of signals, by name: DOM exceptions of every realm, and the errors clients make to look like them. */
export const abortClassifier: Classifier = {
  system: "abort",
  rules: {
    AbortError: "CANCELLED",
    TimeoutError: "OPERATION_TIMED_OUT",
    CanceledError: "CANCELLED",
  },
  keys: (error) => [error.name],
};
