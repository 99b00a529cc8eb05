// Owns: running one scenario: each block's commands in order in a fresh world, and the trace each
// leaves. An Error of a verb, of the core or of an invariant becomes a line of the trace that no
// expectation may contain.

import { parseCommand, parseScenario, type ScenarioText } from './format.js';
import type { Detail } from './trace.js';
import { VERBS } from './verbs.js';
import { World } from './world.js';

export interface Outcome {
  readonly scenario: ScenarioText;
  /** For each block, the lines its commands left. */
  readonly traces: string[][];
  /** What went wrong, with file and line; empty when nothing did. */
  readonly errors: readonly string[];
}

/** Before a verb: how much of what it does is traced. */
const DETAILS: Readonly<Record<string, Detail>> = { quietly: 'quiet', briefly: 'brief' };

const NOTHING = 'nothing to see';

export function runScenario(file: string, text: string): Outcome {
  const scenario = parseScenario(file, text);
  const world = new World();
  const errors: string[] = [];
  const traces = scenario.blocks.map(({ commands }) => {
    const lines: string[] = [];
    for (const { text: command, line } of commands) {
      const error = runCommand(world, command);
      const trace = world.trace.take();
      if (commands.length > 1 && trace.length > 0) lines.push(`> ${command}`);
      lines.push(...trace);
      if (error === null) continue;
      errors.push(`${file}:${line}: ${command}: ${error}`);
      lines.push(`ERROR ${error}`);
    }
    return lines.length === 0 ? [NOTHING] : lines;
  });
  return { scenario, traces, errors };
}

function runCommand(world: World, text: string): string | null {
  const first = text.split(' ', 1)[0]!;
  const detail = DETAILS[first];
  const command = parseCommand(detail === undefined ? text : text.slice(first.length));
  const verb = VERBS[command.verb];
  if (verb === undefined) return `there is no verb ${command.verb}`;
  world.trace.detail = detail ?? 'full';
  try {
    verb(world, command);
    world.invariants.check(world.nodes.values());
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
