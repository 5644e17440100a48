import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { ClientTls } from "../client/connections.ts";
import type { GatewayUser } from "../client/gateway-login.ts";
import { environmentError, usageError } from "./exit.ts";
import { text, type Option } from "./option.ts";

/** How a command says who it is: as a user, and with a certificate. */
export const identityOptions: {
  readonly user: Option<string | undefined>;
  readonly password: Option<string | undefined>;
  readonly cacert: Option<string | undefined>;
  readonly cert: Option<string | undefined>;
  readonly key: Option<string | undefined>;
} = {
  user: text({ placeholder: "NAME[:PASSWORD]", environment: "HOLDFAST_USER", help: "ask as this user" }),
  password: text({
    placeholder: "PASSWORD",
    environment: "HOLDFAST_PASSWORD",
    help: "the password of --user; the line of a command can be read by others of the machine",
  }),
  cacert: text({
    placeholder: "FILE",
    environment: "HOLDFAST_CACERT",
    help: "who signs the members' certificates, for https endpoints",
  }),
  cert: text({ placeholder: "FILE", environment: "HOLDFAST_CERT", help: "the certificate to show to members" }),
  key: text({ placeholder: "FILE", environment: "HOLDFAST_KEY", help: "the key of --cert" }),
};

export type IdentityValues = {
  readonly [K in keyof typeof identityOptions]?: string | undefined;
};

/** What a client needs of these options. @throws ExitError */
export function clientIdentity(options: IdentityValues): { readonly user?: GatewayUser; readonly tls?: ClientTls } {
  const { cacert, cert, key } = options;
  if ((cert === undefined) !== (key === undefined)) throw usageError("--cert and --key belong together");
  const user = userOf(options);
  const tls = {
    ...(cacert === undefined ? {} : { ca: readPem("--cacert", cacert) }),
    ...(cert === undefined || key === undefined ? {} : { cert: readPem("--cert", cert), key: readPem("--key", key) }),
  };
  if (Object.keys(tls).length === 0) return user === undefined ? {} : { user };
  checkPem(tls, "--cacert, --cert and --key");
  return user === undefined ? { tls } : { user, tls };
}

function userOf({ user, password }: IdentityValues): GatewayUser | undefined {
  if (user === undefined) {
    if (password !== undefined) throw usageError("--password needs --user NAME");
    return undefined;
  }
  const colon = user.indexOf(":");
  if (password !== undefined) return { name: user, password };
  if (colon < 0) throw usageError("--user needs a password: --user NAME:PASSWORD, --password, or HOLDFAST_PASSWORD");
  return { name: user.slice(0, colon), password: user.slice(colon + 1) };
}

/** @throws ExitError naming the option */
export function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw environmentError(`${option}: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

/** Says now what is wrong with a certificate. @throws ExitError naming the options */
export function checkPem(tls: ClientTls, options: string): void {
  try {
    createSecureContext({ ...tls });
  } catch (error) {
    throw environmentError(`${options} do not hold what they should: ${(error as Error).message}`, error);
  }
}
