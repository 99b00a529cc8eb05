// Owns: the first line of a script that says how it may run: `#!lua flags=no-writes,allow-oom`
// (Redis 7.0). The flags that matter to one keyspace without replicas are kept; all that Redis
// knows are accepted.

export interface ScriptHeader {
  /** There is no header: the rules of before Redis 7. */
  readonly compatible: boolean;
  readonly noWrites: boolean;
  /** Characters to leave out before compiling; the line end stays, so that line numbers hold. */
  readonly length: number;
}

const NONE: ScriptHeader = { compatible: true, noWrites: false, length: 0 };
const KNOWN_FLAGS = new Set([
  'no-writes',
  'allow-oom',
  'allow-stale',
  'no-cluster',
  'allow-cross-slot-keys',
]);
const FLAGS_OPTION = 'flags=';

/** The header, or what is wrong with it. */
export function parseHeader(body: string): ScriptHeader | string {
  if (!body.startsWith('#!')) return NONE;
  const length = body.indexOf('\n');
  if (length < 0) return 'Invalid script shebang';
  const parts = body.slice(0, length).trimEnd().split(/\s+/);
  if (parts[0] !== '#!lua') return `Unexpected engine in script shebang: ${parts[0]}`;
  const flags: string[] = [];
  for (const part of parts.slice(1)) {
    if (!part.startsWith(FLAGS_OPTION)) return `Unknown lua shebang option: ${part}`;
    const list = part.slice(FLAGS_OPTION.length);
    if (list !== '') flags.push(...list.split(','));
  }
  const unknown = flags.find((flag) => !KNOWN_FLAGS.has(flag));
  if (unknown !== undefined) return `Unexpected flag in script shebang: ${unknown}`;
  return { compatible: false, noWrites: flags.includes('no-writes'), length };
}
