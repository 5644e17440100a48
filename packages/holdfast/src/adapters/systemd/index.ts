export { systemdServices } from "./systemd-services.ts";
export type { ProgramRunner, SystemdServicesOptions } from "./systemd-services.ts";
