import { ResponseFailedError, type Admission } from "../http-server/index.ts";

/** The same response; the admission ends when its body has been read to the end, broke off, or is no longer wanted. */
export function endWithBody(
  response: Response,
  admission: Pick<Admission, "succeed" | "fail" | "abandon">,
  isFailure: (status: number) => boolean,
): Response {
  const { body, status } = response;
  const end = (): void => {
    if (isFailure(status)) admission.fail(new ResponseFailedError(status));
    else admission.succeed();
  };
  if (body === null) {
    end();
    return response;
  }
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const tracked = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            controller.close();
            end();
          } else controller.enqueue(value);
        } catch (error) {
          admission.fail(new ResponseFailedError(undefined, error));
          controller.error(error);
        }
      },
      cancel(reason) {
        admission.abandon();
        return reader.cancel(reason);
      },
    },
    // Nothing is read ahead of the client.
    { highWaterMark: 0 },
  );
  return new Response(tracked, response);
}
