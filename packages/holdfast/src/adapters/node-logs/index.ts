export { consoleSink } from "./console-sink.ts";
export type { ConsoleSinkOptions } from "./console-sink.ts";
export { fileSink, fileSinkDefaults } from "./file-sink.ts";
export type { FileSink, FileSinkMetrics, FileSinkOptions } from "./file-sink.ts";
