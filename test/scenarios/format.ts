// Owns: the scenario file as text. Comment lines start with #; a block is command lines, a line
// ----, and the trace those commands are expected to leave, up to the next blank line. Rewriting a
// file changes the traces and nothing else.

/** One command line and the line of the file it is on, from 1. */
export interface CommandLine {
  readonly text: string;
  readonly line: number;
}

export interface Block {
  /** Comment and blank lines before the commands, as they are. */
  readonly before: readonly string[];
  readonly commands: readonly CommandLine[];
  readonly expected: readonly string[];
}

export interface ScenarioText {
  readonly blocks: readonly Block[];
  /** Comment and blank lines after the last block. */
  readonly after: readonly string[];
}

const SEPARATOR = '----';

/** Throws an Error that names file and line of what is not in the format. */
export function parseScenario(file: string, text: string): ScenarioText {
  const lines = text.replace(/\n$/, '').split('\n');
  const blocks: Block[] = [];
  let before: string[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    if (line === '' || line.startsWith('#')) {
      before.push(line);
      at++;
      continue;
    }
    const end = lines.indexOf(SEPARATOR, at);
    const commands = lines.slice(at, end < 0 ? lines.length : end);
    if (end < 0 || commands.includes('')) {
      throw new Error(`${file}:${at + 1}: these commands are not followed by a line ${SEPARATOR}`);
    }
    const blank = lines.indexOf('', end);
    const stop = blank < 0 ? lines.length : blank;
    blocks.push({
      before,
      commands: commands.map((each, offset) => ({ text: each, line: at + offset + 1 })),
      expected: lines.slice(end + 1, stop),
    });
    before = [];
    at = stop;
  }
  if (blocks.length === 0) throw new Error(`${file}: no commands in it`);
  return { blocks, after: before };
}

/** The same file with these traces, one for each block. */
export function formatScenario(scenario: ScenarioText, traces: readonly string[][]): string {
  const lines = scenario.blocks.flatMap((block, at) => [
    ...block.before,
    ...block.commands.map(({ text }) => text),
    SEPARATOR,
    ...traces[at]!,
  ]);
  return `${[...lines, ...scenario.after].join('\n')}\n`;
}

export interface Command {
  readonly verb: string;
  /** Words without =, after the verb. */
  readonly words: readonly string[];
  /** Words name=value. */
  readonly options: ReadonlyMap<string, string>;
}

export function parseCommand(text: string): Command {
  const [verb = '', ...rest] = text.trim().split(/\s+/);
  const words: string[] = [];
  const options = new Map<string, string>();
  for (const word of rest) {
    const at = word.indexOf('=');
    if (at > 0) options.set(word.slice(0, at), word.slice(at + 1));
    else words.push(word);
  }
  return { verb, words, options };
}
