import { checkNumber, checkOptionNames } from "holdfast/errors/base";
import type { LoadReport } from "holdfast/proof";
import { startRateLoad } from "../rate-load.ts";
import type { StrikeKind } from "./strike.ts";

const defaults = { rate: 20_000, clients: 32 } as const;
const longestMs = 600_000;

/** More requests than the cluster can answer. */
export const overload: StrikeKind = {
  needs: "nothing",
  check(parameters, path) {
    checkOptionNames(path, parameters, Object.keys(defaults));
    checkNumber(`${path}.rate`, parameters["rate"] ?? defaults.rate, 1, 1_000_000);
    checkNumber(`${path}.clients`, parameters["clients"] ?? defaults.clients, 1, 1_024);
  },
  async begin(site, { plan }) {
    const { rate, clients } = { ...defaults, ...plan.parameters } as typeof defaults;
    const { endpoints, tls, seed } = site;
    const load = startRateLoad({
      endpoints,
      tls,
      seed,
      ratePerSecond: rate,
      clients,
      durationMs: longestMs,
      prefix: `${plan.id}/`,
    });
    let report: LoadReport | undefined;
    return await Promise.resolve({
      what: `asks for ${rate} writes a second`,
      mustElect: false,
      canServe: true,
      async heal() {
        report = await load.stop();
      },
      records: () => [
        {
          target: "clients",
          // What is answered as fast as it comes is no overload.
          happened: report !== undefined && report.succeeded < 0.9 * report.offered,
          offered: report?.offered ?? null,
          succeeded: report?.succeeded ?? null,
          failed: report?.failed ?? null,
          dropped: report?.dropped ?? null,
          throughputPerSecond: report?.throughputPerSecond ?? null,
        },
      ],
    });
  },
};
