import type { Classifier } from "../classifier.ts";

/** The language's own errors: a defect of the program, unless they wrap something that went wrong elsewhere. */
export const javascriptClassifier: Classifier = {
  system: "javascript",
  lastResort: true,
  rules: {
    TypeError: "DEFECT",
    ReferenceError: "DEFECT",
    RangeError: "DEFECT",
    EvalError: "DEFECT",
    URIError: "INVALID_REQUEST",
    SyntaxError: "PROTOCOL_BROKEN",
    DataCloneError: "DEFECT",
    QuotaExceededError: "DISK_FULL",
  },
  keys: (error) => [error.name],
};
