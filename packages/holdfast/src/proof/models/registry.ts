import type { Model } from "../model.ts";
import { bag } from "./bag.ts";
import { casRegister, keyValue, register } from "./cell.ts";
import { coordination } from "./coordination.ts";
import { counter } from "./counter.ts";
import { keyValueAppend } from "./kv-append.ts";
import type { ModelOptions } from "./model-options.ts";
import { multiRegister } from "./multi-register.ts";
import { fencedMutex, mutex } from "./mutex.ts";
import { queue } from "./queue.ts";
import { set } from "./set.ts";

/** The names under which a command finds the models. */
export type ModelName =
  | "register"
  | "cas-register"
  | "kv"
  | "kv-append"
  | "multi-register"
  | "set"
  | "queue"
  | "bag"
  | "mutex"
  | "fenced-mutex"
  | "counter"
  | "coordination";

/** All models, by name. */
export const models: Readonly<Record<ModelName, (options?: ModelOptions) => Model>> = {
  register,
  "cas-register": casRegister,
  kv: keyValue,
  "kv-append": keyValueAppend,
  "multi-register": multiRegister,
  set,
  queue,
  bag,
  mutex,
  "fenced-mutex": fencedMutex,
  counter,
  coordination,
};
