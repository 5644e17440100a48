/**
 * The same bytes. When the stream fails before its end, `onFailure` says with what error whoever reads it goes on. Nothing
 * is read ahead of the reader.
 */
export function watchBody(
  body: ReadableStream<Uint8Array>,
  onFailure: (error: unknown) => unknown,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          controller.error(onFailure(error));
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
