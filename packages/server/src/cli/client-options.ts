import type { ClientTls } from "../client/connections.ts";
import type { GatewayUser } from "../client/gateway-login.ts";
import { readCertificates, type FilesOf } from "./certificate-files.ts";
import { usageError } from "./exit.ts";
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
  const files: FilesOf<ClientTls> = {
    ...(cacert === undefined ? {} : { ca: { option: "--cacert", file: cacert } }),
    ...(cert === undefined ? {} : { cert: { option: "--cert", file: cert } }),
    ...(key === undefined ? {} : { key: { option: "--key", file: key } }),
  };
  if (Object.keys(files).length === 0) return user === undefined ? {} : { user };
  const tls = readCertificates<ClientTls>(files);
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
