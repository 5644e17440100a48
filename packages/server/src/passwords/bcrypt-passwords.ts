import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { nodePasswords, type Passwords } from "holdfast/runtime";
import type { PasswordAnswer, PasswordTask } from "./password-task.ts";

const workerFile = new URL(`./password-worker${extname(import.meta.filename)}`, import.meta.url);

type Waiting = PromiseWithResolvers<string | boolean>;

/**
 * Passwords as etcd keeps them: bcrypt of cost 10, of the first 72 bytes of a password. They are worked on in a thread of
 * their own, which starts with the first and does not keep the process alive. What `nodePasswords` hashed (scrypt, the
 * default of an embedded member) is checked, too.
 */
export function bcryptPasswords(): Passwords {
  const scrypt = nodePasswords();
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let lastId = 0;

  function start(): Worker {
    const started = new Worker(workerFile);
    started.unref();
    started.on("message", ({ id, result }: PasswordAnswer) => {
      waiting.get(id)?.resolve(result);
      waiting.delete(id);
    });
    const end = (error: Error): void => {
      if (worker !== started) return;
      worker = undefined;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    started.on("error", end);
    started.on("exit", (code) => end(new Error(`the thread of passwords ended with code ${code}`)));
    return started;
  }

  function ask(task: Omit<PasswordTask, "id">): Promise<string | boolean> {
    const id = ++lastId;
    const answer: Waiting = Promise.withResolvers();
    waiting.set(id, answer);
    worker ??= start();
    worker.postMessage({ id, ...task } satisfies PasswordTask);
    return answer.promise;
  }

  return {
    hash: (password) => ask({ password }) as Promise<string>,
    verify: (password, hash) =>
      hash.startsWith("scrypt$") ? scrypt.verify(password, hash) : (ask({ password, hash }) as Promise<boolean>),
    token: () => scrypt.token(),
  };
}
