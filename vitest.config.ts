import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Begun first, so that no core is idle while the other finishes them. */
const LONG = [
  'test/sim/cluster.test.ts',
  'test/chaos/chaos.test.ts',
  'test/process/leader-kill.test.ts',
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      LONG.some((path) => moduleId.endsWith(path));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    sequence: { sequencer: LongFirst },
    // Tests with real processes share two cores with a CI machine's neighbours. A second try is
    // counted and printed by vitest; at a developer's desk there is none.
    retry: process.env.CI === 'true' ? 1 : 0,
  },
});
