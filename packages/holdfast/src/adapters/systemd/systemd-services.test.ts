import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { systemdServices, type ProgramRunner } from "./systemd-services.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-systemd-"));
afterAll(() => rmSync(directory, { recursive: true }));

/**
 * There is no systemd here. This program does what systemctl(1) documents of `show --property` and `restart --no-block`: a
 * unit of `Type=notify` that goes through `activating` and gets a new `InvocationID` with each activation.
 */
const program = join(directory, "systemctl");
writeFileSync(
  program,
  `#!/bin/sh
state=$(dirname "$0")
echo "$@" >> "$state/asked"
for unit; do :; done
case " $* " in
*" show "*)
  if [ "$unit" != api.service ]; then
    printf 'LoadState=not-found\\nActiveState=inactive\\nSubState=dead\\nResult=success\\nInvocationID=\\n'; exit 0
  fi
  lives=$(cat "$state/lives")
  # What was asked for takes two looks.
  if [ -s "$state/looks" ]; then
    looks=$(cat "$state/looks"); echo "\${looks#x}" > "$state/looks"
    if [ -n "\${looks#x}" ]; then printf "LoadState=loaded\\nActiveState=activating\\nSubState=start\\nResult=success\\nInvocationID=id$lives\\n"; exit 0; fi
    : > "$state/looks"
  fi
  printf "LoadState=loaded\\nActiveState=$(cat "$state/ends")\\nSubState=$(cat "$state/sub")\\nResult=$(cat "$state/result")\\nInvocationID=id$lives\\n" ;;
*" restart "*)
  if [ -e "$state/denied" ]; then echo "Failed to restart $unit: Access denied" >&2; exit 4; fi
  echo $(($(cat "$state/lives") + 1)) > "$state/lives"; echo xxx > "$state/looks" ;;
esac
`,
);
chmodSync(program, 0o755);

function set(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}

const run: ProgramRunner = async ([name = "", ...given]) => {
  const { status, stdout, stderr } = spawnSync(name, given, { encoding: "utf8" });
  return { exitCode: status, stdout, lastWords: stderr.trim() };
};
const services = systemdServices({ run, units: ["api.service", "gone.service"], program });
const up = { lives: "1", looks: "", ends: "active", sub: "running", result: "success", asked: "" };

describe("units of systemd", () => {
  it("are restarted, and ready when their new life is active", async () => {
    set(up);
    expect(await services.status("api.service")).toEqual({
      state: "ready",
      instance: "id1",
      detail: "active (running)",
    });
    expect(await services.restart("api.service")).toEqual({
      state: "ready",
      instance: "id2",
      detail: "active (running)",
    });
    const asked = readFileSync(join(directory, "asked"), "utf8").split("\n");
    expect(asked).toContain("--system --no-pager restart --no-block -- api.service");
    expect(asked.filter((line) => line.includes(" restart "))).toHaveLength(1);
    expect(asked.filter((line) => line.includes(" show ")).length).toBeGreaterThan(3);
  });

  it("tell when their new life has failed", async () => {
    set({ ...up, ends: "failed", sub: "failed", result: "exit-code" });
    await expect(services.restart("api.service")).rejects.toMatchObject({
      message: "unit api.service is failed (failed): exit-code",
      retryable: true,
    });
  });

  it("are given up on when they do not get active in time, and when nobody waits", async () => {
    set({ ...up, ends: "activating", sub: "start" });
    const hasty = systemdServices({ run, units: ["api.service"], program, readyWithinMs: 1 });
    await expect(hasty.restart("api.service")).rejects.toThrow("unit api.service is activating (start) after 1 ms");
    const controller = new AbortController();
    const waiting = services.restart("api.service", { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  it("say why they cannot be restarted", async () => {
    set({ ...up, denied: "" });
    await expect(services.restart("api.service")).rejects.toThrow(
      "restart failed: Failed to restart api.service: Access denied",
    );
    rmSync(join(directory, "denied"));
    await expect(services.restart("gone.service")).rejects.toMatchObject({
      message: "unit gone.service is not-found",
      retryable: false,
    });
    await expect(services.restart("sshd.service")).rejects.toThrow("must be one of api.service, gone.service");
    expect(services.refuses!("sshd.service")).toBe("must be one of api.service, gone.service");
  });

  it.each(["--now", "a*.service", "api", "a/b.service"])("%j is no unit", (unit) => {
    expect(() => systemdServices({ run, units: [unit] })).toThrow("systemdServices.units must be full names of units");
  });
});
