// Every scenario file leaves the trace it says, and breaks no invariant on the way. With
// UPDATE_SCENARIOS=1 (npm run scenarios -- --update) traces are rewritten instead; errors still
// fail.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatScenario } from './format.js';
import { type Outcome, runScenario } from './runner.js';
import { runTable } from './tables.js';

const FOLDERS: ReadonlyArray<readonly [string, (file: string, text: string) => Outcome]> = [
  ['cases', runScenario],
  ['tables', runTable],
];

for (const [folder, runFile] of FOLDERS) {
  const path = fileURLToPath(new URL(`./${folder}/`, import.meta.url));
  const files = readdirSync(path)
    .filter((name) => name.endsWith('.txt'))
    .sort();

  describe(folder, () => {
    it('are there', () => {
      expect(files.length).toBeGreaterThan(0);
    });

    it.each(files)('%s', (name) => {
      const text = readFileSync(path + name, 'utf8');
      const { scenario, traces, errors } = runFile(`test/scenarios/${folder}/${name}`, text);
      const actual = formatScenario(scenario, traces);
      if (process.env.UPDATE_SCENARIOS === '1' && actual !== text) {
        writeFileSync(path + name, actual);
      } else if (process.env.UPDATE_SCENARIOS !== '1') {
        // One string each: vitest shows where they part, with the lines around it.
        expect(actual).toBe(text);
      }
      expect(errors).toEqual([]);
    });
  });
}
