import type { ModelName } from "../models/registry.ts";
import type { Plant } from "./plant.ts";
import { appendPlants, multiRegisterPlants, registerPlants, swapPlants } from "./plants-cells.ts";
import { bagPlants, counterPlants, queuePlants, setPlants } from "./plants-collections.ts";
import { fencedMutexPlants, mutexPlants } from "./plants-locks.ts";
import { coordinationPlants } from "./plants-store.ts";
import {
  casRegisterReference,
  keyValueAppendReference,
  keyValueReference,
  multiRegisterReference,
  registerReference,
} from "./reference-cells.ts";
import { bagReference, counterReference, queueReference, setReference } from "./reference-collections.ts";
import { fencedMutexReference, mutexReference } from "./reference-locks.ts";
import type { AnyReference, ReferenceObject } from "./reference-object.ts";
import { coordinationReference } from "./reference-store.ts";

/** What a model is held against. */
export interface Subject {
  readonly reference: AnyReference;
  /** Ways to make a history impossible, by name. */
  readonly plants: Readonly<Record<string, Plant>>;
}

export const subjects: Readonly<Record<ModelName, Subject>> = {
  register: subject(registerReference, registerPlants),
  "cas-register": subject(casRegisterReference, swapPlants),
  kv: subject(keyValueReference, swapPlants),
  "kv-append": subject(keyValueAppendReference, appendPlants),
  "multi-register": subject(multiRegisterReference, multiRegisterPlants),
  set: subject(setReference, setPlants),
  queue: subject(queueReference, queuePlants),
  bag: subject(bagReference, bagPlants),
  mutex: subject(mutexReference, mutexPlants),
  "fenced-mutex": subject(fencedMutexReference, fencedMutexPlants),
  counter: subject(counterReference, counterPlants),
  coordination: subject(coordinationReference, coordinationPlants),
};

function subject<State>(reference: ReferenceObject<State>, plants: Subject["plants"]): Subject {
  return { reference, plants };
}
