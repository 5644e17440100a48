/**
 * Rows of the classification tables whose error cannot be provoked by these tests, with the shape that the system's own
 * documentation or client gives it. docs/errors/classification.md marks the same rows.
 */
export const unprovokedRows: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  amqp: {
    // RabbitMQ says so of a stream without a copy on the node that is asked, in a cluster of several nodes.
    "506": {
      code: 506,
      message: "Connection closed: 506 (RESOURCE-ERROR)",
    },
  },
};
