export { consoleSink, consoleSinkDefaults } from "./console-sink.ts";
export type { ConsoleSink, ConsoleSinkOptions, ConsoleStream } from "./console-sink.ts";
export { fileSink, fileSinkDefaults } from "./file-sink.ts";
export type { FileSink, FileSinkMetrics, FileSinkOptions } from "./file-sink.ts";
