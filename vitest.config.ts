import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Tests with real processes share two cores with a CI machine's neighbours. A second try is
    // counted and printed by vitest; at a developer's desk there is none.
    retry: process.env.CI === 'true' ? 1 : 0,
  },
});
