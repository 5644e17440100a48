export { pinoSink, traceMixin } from "./pino-sink.ts";
export type { PinoLike } from "./pino-sink.ts";
