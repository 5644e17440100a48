import { HoldfastError } from "../../errors/index.ts";

/** The policy gave something that is no answer to this request: a fallback's value, or an answer kept by a cache. */
export class NoAnswerError extends HoldfastError {
  static override readonly brand: string = "NoAnswerError";

  constructor() {
    super("the policy answered with something that is no response to this request", {
      name: "NoAnswerError",
      code: "NO_HTTP_RESPONSE",
      kind: "business",
    });
  }
}
