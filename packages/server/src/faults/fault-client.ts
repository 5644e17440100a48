import { request } from "node:http";
import { environmentError, failure, usageError, type ExitError } from "../cli/exit.ts";

/** How to reach the faults' HTTP interface. */
export interface FaultClientOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly timeoutMs: number;
}

/**
 * Asks one interface after the other, until one knows the target or the fault.
 *
 * @throws ExitError as `askFaults`, of the last one
 */
export async function askWhoKnows(
  interfaces: readonly FaultClientOptions[],
  ...question: [method: "POST" | "DELETE", path: string, body?: unknown]
): Promise<unknown> {
  for (const at of interfaces.slice(0, -1)) {
    try {
      return await askFaults(at, ...question);
    } catch (error) {
      const { code } = ((error as ExitError).cause ?? {}) as { readonly code?: string };
      if (code !== "UNKNOWN_TARGET" && code !== "UNKNOWN_FAULT") throw error;
    }
  }
  return askFaults(interfaces.at(-1)!, ...question);
}

/**
 * One question to a faults' HTTP interface.
 *
 * @throws ExitError with what was wrong: nobody there (environment), called wrongly (usage), refused (failed)
 */
export async function askFaults(
  options: FaultClientOptions,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { url } = options;
  let answer: Answer;
  try {
    answer = await exchange(options, method, path, body === undefined ? undefined : JSON.stringify(body));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw environmentError(
      `nobody answers at ${url} (${code ?? message})\nStart a proxy with \`holdfast proxy --api HOST:PORT\`, or name its address: --api URL`,
      error,
    );
  }
  const document = parse(answer.text);
  if (answer.status < 300 && document !== undefined) return document;
  throw explain(url, answer.status, document);
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const maxAnswerBytes = 16 * 1024 * 1024;

/** On `node:http`: `fetch` refuses ports that browsers refuse. */
function exchange(
  { url, token, timeoutMs }: FaultClientOptions,
  method: string,
  path: string,
  body: string | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const outgoing = request(`${url}/holdfast/v1/faults${path}`, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.length > maxAnswerBytes) outgoing.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    outgoing.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    outgoing.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function explain(url: string, status: number, document: unknown): ExitError {
  const { code, message } = (document as { error?: { code?: string; message?: string } } | undefined)?.error ?? {};
  if (message === undefined) return failure(`${url} is not the interface of live faults (HTTP ${status})`);
  if (code === "UNAUTHENTICATED") return failure(`${message}: --token TEXT, or HOLDFAST_FAULTS_TOKEN`);
  return status === 400 ? usageError(message) : failure(message, { code });
}
