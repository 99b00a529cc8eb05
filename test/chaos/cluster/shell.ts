// Owns: running a system tool to its end.

import { spawn } from 'node:child_process';

/**
 * Output of `command`; rejects with what it printed when it fails. `input` goes to its standard
 * input.
 */
export function run(command: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe' });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}: ${output}`));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
