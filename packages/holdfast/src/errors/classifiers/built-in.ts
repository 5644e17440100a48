import type { Classifier } from "../classifier.ts";
import { abortClassifier } from "./abort.ts";
import { amqpClassifier } from "./amqp.ts";
import { awsClassifier } from "./aws.ts";
import { etcdClassifier } from "./etcd.ts";
import { grpcClassifier } from "./grpc.ts";
import { httpClassifier } from "./http.ts";
import { javascriptClassifier } from "./javascript.ts";
import { kafkaClassifier } from "./kafka.ts";
import { natsClassifier } from "./nats.ts";
import { nodeClassifier } from "./node.ts";
import { policyLibraryClassifier } from "./policy-library.ts";
import { postgresqlClassifier } from "./postgresql.ts";
import { redisClassifier } from "./redis.ts";
import { sqliteClassifier } from "./sqlite.ts";
import { undiciClassifier } from "./undici.ts";

/** In this order: who says the most about an error comes first, so an answer's own code goes before its HTTP status. */
export const builtInClassifiers: readonly Classifier[] = [
  policyLibraryClassifier,
  etcdClassifier,
  grpcClassifier,
  postgresqlClassifier,
  sqliteClassifier,
  redisClassifier,
  amqpClassifier,
  natsClassifier,
  kafkaClassifier,
  awsClassifier,
  httpClassifier,
  undiciClassifier,
  nodeClassifier,
  abortClassifier,
  javascriptClassifier,
];
