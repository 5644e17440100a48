import { parentPort } from "node:worker_threads";
import { compareSync, hashSync } from "bcryptjs";
import type { PasswordAnswer, PasswordTask } from "./password-task.ts";

/** etcd's: bcrypt's default in Go. */
const cost = 10;
/** Of no password; whoever asks with a text that is no hash waits as long as others. */
const nobodys = hashSync("", cost);

parentPort?.on("message", (task: PasswordTask) => parentPort?.postMessage(work(task)));

function work({ id, password, hash }: PasswordTask): PasswordAnswer {
  if (hash === undefined) return { id, result: hashSync(password, cost) };
  const isHash = /^\$2[aby]\$\d\d\$[./0-9A-Za-z]{53}$/.test(hash);
  const matches = compareSync(password, isHash ? hash : nobodys);
  return { id, result: isHash && matches };
}
