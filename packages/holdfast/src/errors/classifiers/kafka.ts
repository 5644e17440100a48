import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** The protocol's error names (Kafka protocol, error codes), and the names of kafkajs' own errors. */
export const kafkaClassifier: Classifier = {
  system: "kafka",
  rules: {
    OFFSET_OUT_OF_RANGE: "GONE",
    CORRUPT_MESSAGE: ["CONNECTION_LOST", "none"],
    UNKNOWN_TOPIC_OR_PARTITION: "NOT_FOUND",
    LEADER_NOT_AVAILABLE: "WRONG_NODE",
    NOT_LEADER_FOR_PARTITION: "WRONG_NODE",
    REQUEST_TIMED_OUT: "OPERATION_TIMED_OUT",
    REPLICA_NOT_AVAILABLE: "WRONG_NODE",
    MESSAGE_TOO_LARGE: "PAYLOAD_TOO_LARGE",
    RECORD_LIST_TOO_LARGE: "PAYLOAD_TOO_LARGE",
    NETWORK_EXCEPTION: "NETWORK_FAILED",
    GROUP_LOAD_IN_PROGRESS: ["SERVICE_UNAVAILABLE", "none"],
    GROUP_COORDINATOR_NOT_AVAILABLE: ["SERVICE_UNAVAILABLE", "none"],
    NOT_COORDINATOR_FOR_GROUP: "WRONG_NODE",
    INVALID_TOPIC_EXCEPTION: "INVALID_REQUEST",
    NOT_ENOUGH_REPLICAS: ["SERVICE_UNAVAILABLE", "none"],
    NOT_ENOUGH_REPLICAS_AFTER_APPEND: ["SERVICE_UNAVAILABLE", "unknown"],
    ILLEGAL_GENERATION: "CONFLICT",
    UNKNOWN_MEMBER_ID: "CONFLICT",
    REBALANCE_IN_PROGRESS: ["SERVICE_UNAVAILABLE", "none"],
    TOPIC_AUTHORIZATION_FAILED: "FORBIDDEN",
    GROUP_AUTHORIZATION_FAILED: "FORBIDDEN",
    CLUSTER_AUTHORIZATION_FAILED: "FORBIDDEN",
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "FORBIDDEN",
    SASL_AUTHENTICATION_FAILED: "UNAUTHENTICATED",
    UNSUPPORTED_VERSION: "UNSUPPORTED",
    TOPIC_ALREADY_EXISTS: "ALREADY_EXISTS",
    NOT_CONTROLLER: "WRONG_NODE",
    OUT_OF_ORDER_SEQUENCE_NUMBER: "CONFLICT",
    DUPLICATE_SEQUENCE_NUMBER: "ALREADY_EXISTS",
    INVALID_PRODUCER_EPOCH: "CONFLICT",
    CONCURRENT_TRANSACTIONS: "LOCKED",
    TRANSACTION_COORDINATOR_FENCED: "CONFLICT",
    KAFKA_STORAGE_ERROR: ["SERVICE_UNAVAILABLE", "unknown"],
    KafkaJSConnectionError: "CONNECTION_LOST",
    "KafkaJSConnectionError refused": "CONNECTION_REFUSED",
    "KafkaJSConnectionError timeout": "CONNECT_TIMED_OUT",
    KafkaJSConnectionClosedError: "CONNECTION_LOST",
    KafkaJSRequestTimeoutError: "OPERATION_TIMED_OUT",
    KafkaJSSASLAuthenticationError: "UNAUTHENTICATED",
    KafkaJSBrokerNotFound: "WRONG_NODE",
    KafkaJSMetadataNotLoaded: "WRONG_NODE",
    KafkaJSTimeout: "OPERATION_TIMED_OUT",
    KafkaJSLockTimeout: "LOCKED",
    KafkaJSServerDoesNotSupportApiKey: "UNSUPPORTED",
    KafkaJSNotImplemented: "UNSUPPORTED",
  },
  keys(error: ErrorShape): readonly string[] {
    const { name, message } = error;
    if (!name.startsWith("KafkaJS")) return [];
    const type = error.text("type");
    if (type !== undefined) return [type];
    if (name !== "KafkaJSConnectionError") return [name];
    // The system's error is only in the text.
    if (message.includes("ECONNREFUSED")) return ["KafkaJSConnectionError refused"];
    return message === "Connection timeout" ? ["KafkaJSConnectionError timeout"] : [name];
  },
};
