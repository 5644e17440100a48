import { configDefaults, defineConfig, type ViteUserConfig } from "vitest/config";

const resolve = { conditions: ["source"] };

/** The tests that decide about mutants of the policies, for `npx stryker run`. */
const config: ViteUserConfig = defineConfig({
  resolve,
  ssr: { resolve },
  test: {
    include: ["packages/holdfast/src/resilience/**/*.test.ts"],
    // It reads the sources as text, and Stryker rewrites them.
    exclude: [...configDefaults.exclude, "**/rejection-codes.test.ts"],
  },
});

export default config;
