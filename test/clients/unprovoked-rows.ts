/**
 * Rows of the classification tables whose error cannot be provoked by these tests, with the shape that the system's own
 * documentation or client gives it. docs/errors/classification.md marks the same rows.
 */
export const unprovokedRows: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  node: {
    EAGAIN: {
      code: "EAGAIN",
    },
    ECONNABORTED: {
      code: "ECONNABORTED",
    },
    EDQUOT: {
      code: "EDQUOT",
    },
    EFBIG: {
      code: "EFBIG",
    },
    EHOSTDOWN: {
      code: "EHOSTDOWN",
    },
    EHOSTUNREACH: {
      code: "EHOSTUNREACH",
    },
    ENETDOWN: {
      code: "ENETDOWN",
    },
    ENFILE: {
      code: "ENFILE",
    },
    ENOBUFS: {
      code: "ENOBUFS",
    },
    ENOMEM: {
      code: "ENOMEM",
    },
    ENOTCONN: {
      code: "ENOTCONN",
    },
    EPROTO: {
      code: "EPROTO",
    },
    EROFS: {
      code: "EROFS",
    },
    ETIMEDOUT: {
      code: "ETIMEDOUT",
      syscall: "read",
    },
    ERR_SOCKET_CONNECTION_TIMEOUT: {
      code: "ERR_SOCKET_CONNECTION_TIMEOUT",
    },
    CERT_HAS_EXPIRED: {
      code: "CERT_HAS_EXPIRED",
    },
    SELF_SIGNED_CERT_IN_CHAIN: {
      code: "SELF_SIGNED_CERT_IN_CHAIN",
    },
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
      code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    },
    EAI_AGAIN: {
      code: "EAI_AGAIN",
      syscall: "getaddrinfo",
    },
    "EADDRNOTAVAIL connect": {
      code: "EADDRNOTAVAIL",
      syscall: "connect",
    },
  },
  "http-client": {
    UND_ERR_ABORT: {
      code: "UND_ERR_ABORT",
    },
    UND_ERR_INFO: {
      code: "UND_ERR_INFO",
    },
    UND_ERR_RES_CONTENT_LENGTH_MISMATCH: {
      code: "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
    },
  },
  sqlite: {
    SQLITE_ABORT: {
      code: "ERR_SQLITE_ERROR",
      errcode: 4,
    },
    SQLITE_INTERRUPT: {
      code: "ERR_SQLITE_ERROR",
      errcode: 9,
    },
    SQLITE_IOERR: {
      code: "ERR_SQLITE_ERROR",
      errcode: 10,
    },
    SQLITE_NOMEM: {
      code: "ERR_SQLITE_ERROR",
      errcode: 7,
    },
    SQLITE_PERM: {
      code: "ERR_SQLITE_ERROR",
      errcode: 3,
    },
    SQLITE_SCHEMA: {
      code: "ERR_SQLITE_ERROR",
      errcode: 17,
    },
  },
  kafka: {
    KafkaJSBrokerNotFound: {
      name: "KafkaJSBrokerNotFound",
    },
    KafkaJSLockTimeout: {
      name: "KafkaJSLockTimeout",
    },
    KafkaJSMetadataNotLoaded: {
      name: "KafkaJSMetadataNotLoaded",
    },
    KafkaJSNotImplemented: {
      name: "KafkaJSNotImplemented",
    },
    KafkaJSPartialMessageError: {
      name: "KafkaJSPartialMessageError",
    },
    KafkaJSTimeout: {
      name: "KafkaJSTimeout",
    },
  },
  redis: {
    "ERR max number of clients reached": {
      name: "ReplyError",
      message: "ERR max number of clients reached",
    },
    ParserError: {
      name: "ParserError",
    },
  },
  amqp: {
    "311": {
      code: 311,
      message: "Channel closed: 311 (AS-DOCUMENTED)",
    },
    "312": {
      code: 312,
      message: "Channel closed: 312 (AS-DOCUMENTED)",
    },
    "313": {
      code: 313,
      message: "Channel closed: 313 (AS-DOCUMENTED)",
    },
    "402": {
      code: 402,
      message: "Channel closed: 402 (AS-DOCUMENTED)",
    },
    "501": {
      code: 501,
      message: "Channel closed: 501 (AS-DOCUMENTED)",
    },
    "502": {
      code: 502,
      message: "Channel closed: 502 (AS-DOCUMENTED)",
    },
    "503": {
      code: 503,
      message: "Channel closed: 503 (AS-DOCUMENTED)",
    },
    "504": {
      code: 504,
      message: "Channel closed: 504 (AS-DOCUMENTED)",
    },
    "505": {
      code: 505,
      message: "Channel closed: 505 (AS-DOCUMENTED)",
    },
    "506": {
      code: 506,
      message: "Channel closed: 506 (AS-DOCUMENTED)",
    },
    "541": {
      code: 541,
      message: "Channel closed: 541 (AS-DOCUMENTED)",
    },
    "Channel ended, no reply will be forthcoming": {
      message: "Channel ended, no reply will be forthcoming",
    },
    "Unexpected close": {
      message: "Unexpected close",
    },
    "540": {
      code: 540,
      message: "Connection closed: 540 (NOT-IMPLEMENTED)",
    },
  },
  nats: {
    ConnectionError: {
      name: "ConnectionError",
    },
    ProtocolError: {
      name: "ProtocolError",
    },
    RequestError: {
      name: "RequestError",
    },
    UserAuthenticationExpiredError: {
      name: "UserAuthenticationExpiredError",
    },
    "ProtocolError maximum connections": {
      name: "ProtocolError",
      message: "server: 'maximum connections exceeded'",
    },
    "ProtocolError maximum payload": {
      name: "ProtocolError",
      message: "server: 'Maximum Payload Violation'",
    },
  },
  postgresql: {
    "08*": {
      code: "08006",
      severity: "ERROR",
    },
    "08P01": {
      code: "08P01",
      severity: "ERROR",
    },
    "40*": {
      code: "40002",
      severity: "ERROR",
    },
    "40003": {
      code: "40003",
      severity: "ERROR",
    },
    "53*": {
      code: "53400",
      severity: "ERROR",
    },
    "53100": {
      code: "53100",
      severity: "ERROR",
    },
    "53200": {
      code: "53200",
      severity: "ERROR",
    },
    "57P02": {
      code: "57P02",
      severity: "ERROR",
    },
    "57P03": {
      code: "57P03",
      severity: "ERROR",
    },
    XX000: {
      code: "XX000",
      severity: "ERROR",
    },
    XX001: {
      code: "XX001",
      severity: "ERROR",
    },
    XX002: {
      code: "XX002",
      severity: "ERROR",
    },
  },
  etcd: {
    "invalid auth token": {
      message: "14 UNAVAILABLE: etcdserver: invalid auth token",
    },
    "leader changed": {
      message: "14 UNAVAILABLE: etcdserver: leader changed",
    },
    "mvcc: database space exceeded": {
      message: "14 UNAVAILABLE: etcdserver: mvcc: database space exceeded",
    },
    "no leader": {
      message: "14 UNAVAILABLE: etcdserver: no leader",
    },
    "not leader": {
      message: "14 UNAVAILABLE: etcdserver: not leader",
    },
    "request timed out": {
      message: "14 UNAVAILABLE: etcdserver: request timed out",
    },
    "request timed out, possibly due to connection lost": {
      message: "14 UNAVAILABLE: etcdserver: request timed out, possibly due to connection lost",
    },
    "request timed out, possibly due to previous leader failure": {
      message: "14 UNAVAILABLE: etcdserver: request timed out, possibly due to previous leader failure",
    },
    "server stopped": {
      message: "14 UNAVAILABLE: etcdserver: server stopped",
    },
    "too many requests": {
      message: "14 UNAVAILABLE: etcdserver: too many requests",
    },
    EtcdWatchStreamEnded: {
      constructor: {
        name: "EtcdWatchStreamEnded",
      },
    },
  },
};
