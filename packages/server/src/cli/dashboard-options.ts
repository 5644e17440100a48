import { readFileSync, statSync } from "node:fs";
import type { Address } from "holdfast/runtime";
import { isLocalHost } from "../faults/request-guard.ts";
import type { ClientTls } from "../client/connections.ts";
import { addressText } from "../supervisor/cluster-plan.ts";
import { readCertificates } from "./certificate-files.ts";
import { environmentError, usageError } from "./exit.ts";
import { text, type Option } from "./option.ts";

/** Who may see the dashboard. */
export const dashboardOptions: {
  readonly dashboardTokenFile: Option<string | undefined>;
  readonly dashboardHost: Option<readonly string[]>;
  readonly dashboardCaFile: Option<string | undefined>;
} = {
  dashboardTokenFile: text({
    placeholder: "FILE",
    help: "what the dashboard asks of pages and services, 16 characters at least; or HOLDFAST_DASHBOARD_TOKEN. Without one it is for this machine alone",
  }),
  dashboardHost: {
    placeholder: "NAME,NAME",
    help: "names by which browsers reach the dashboard, beside this machine's own and the addresses listened on",
    default: [],
    defaultText: "none",
    read: (value, source) =>
      value.split(",").map((part) => {
        const name = part.trim().toLowerCase();
        if (/^[\w.:-]+$/.test(name)) return name;
        throw usageError(`${source} must be names without a port, separated by commas (got ${JSON.stringify(part)})`);
      }),
  },
  dashboardCaFile: text({
    placeholder: "FILE",
    help: "who signs the other members' certificates, where they are served in TLS: the dashboard asks them",
  }),
};

const tokenPattern = /^[\x21-\x7E]{16,512}$/;

/** The token of the file, or else of the environment; undefined without either. @throws ExitError */
export function dashboardToken(file: string | undefined): string | undefined {
  const source = file === undefined ? "HOLDFAST_DASHBOARD_TOKEN" : `--dashboard-token-file ${file}`;
  const token = file === undefined ? process.env["HOLDFAST_DASHBOARD_TOKEN"] : readToken(file);
  if (token === undefined || (file === undefined && token === "")) return undefined;
  if (tokenPattern.test(token)) return token;
  throw usageError(`${source}: the token must be 16 to 512 printable characters without spaces`);
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw environmentError(
      `--dashboard-token-file: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
      error,
    );
  }
}

/** What to say at the start of a file whose token others may read; undefined where all is well. Windows has no such bits. */
export function tokenIsExposed(file: string | undefined): string | undefined {
  if (file === undefined || process.platform === "win32" || (statSync(file).mode & 0o077) === 0) return undefined;
  return `the dashboard's token in ${file} is open to others than its owner: chmod 600`;
}

/** What the other members are asked with. @throws ExitError */
export function dashboardTls(file: string | undefined, own: ClientTls): ClientTls {
  if (file === undefined) return own;
  const { ca } = readCertificates<{ ca: string }>({ ca: { option: "--dashboard-ca-file", file } });
  return { ...own, ca: own.ca === undefined ? ca : `${own.ca}\n${ca}` };
}

/** What to say at the start where the dashboard is off; undefined where it is on. */
export function dashboardIsOff(http: Address, token: string | undefined): string | undefined {
  if (token !== undefined || isLocalHost(http.host)) return undefined;
  return `the dashboard is off: other machines reach ${addressText(http)}, and there is no --dashboard-token-file`;
}
