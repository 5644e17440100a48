export { configurationFiles } from "./configuration-files.ts";
export type { ConfigurationFilesOptions } from "./configuration-files.ts";
