export { cacheClear, cacheClearDefaults } from "./cache-clear.ts";
export type { CacheClearOptions } from "./cache-clear.ts";
export type { RedisClient } from "./redis-commands.ts";
