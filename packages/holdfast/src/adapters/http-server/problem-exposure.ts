import type { ErrorShape } from "../../errors/index.ts";

/**
 * Says of an error that its message is for the client: it becomes the `detail` of the problem document, where the status is
 * below 500. The same mark as that of the package http-errors.
 *
 * @returns the error itself; a frozen one stays as it is
 * @example
 * throw exposed(new BusinessError("the order is closed", { code: "ORDER_CLOSED" }));
 */
export function exposed<E extends Error>(error: E): E {
  Reflect.defineProperty(error, "expose", { value: true, configurable: true, writable: true });
  return error;
}

/** The message for the client, cut; undefined when the error does not say that it is for the client. */
export function exposedMessage(shape: ErrorShape): string | undefined {
  // An error of the system that was merely given a status, such as that of a file which is not there, has paths in it.
  if (shape.get("syscall") !== undefined || shape.get("errno") !== undefined) return undefined;
  // Fastify's: what its schema says of the request.
  const isValidation = shape.child("validation").isObject && shape.text("validationContext") !== undefined;
  if (!shape.flag("expose") && !isValidation) return undefined;
  const message = shape.text("message");
  return message === "" ? undefined : message;
}
