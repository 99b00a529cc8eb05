// Owns: where the parts of each kind of file in a data directory begin and end, found by taking
// the files apart, so that damage can be done to every one of them; and the ways to damage a file
// there.

/** A place in a file, and what is there. */
export interface Region {
  readonly what: string;
  readonly at: number;
}

export interface Damage {
  readonly what: string;
  /** Null: the file is removed. */
  readonly bytes: Buffer | null;
}

/** The regions of a file of the data directory, by its name. */
export function regionsOf(name: string, bytes: Buffer): Region[] {
  if (name.endsWith('.manifest')) return manifestRegions(bytes);
  if (name.endsWith('.incr.aof')) return segmentRegions(bytes);
  if (name.endsWith('.base.rdb')) return rdbRegions(bytes);
  return evenly(bytes, 4, name);
}

/** One bit at each region, and the file cut, zeroed and overwritten for 16 bytes from there. */
export function* damagesAt(bytes: Buffer, regions: readonly Region[]): Generator<Damage> {
  for (const { what, at } of regions) {
    const end = Math.min(at + 16, bytes.length);
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1 << (at % 8);
    yield { what: `bit ${at % 8} of ${what} at ${at}`, bytes: flipped };
    yield { what: `cut at ${what}, ${at}`, bytes: bytes.subarray(0, at) };
    yield { what: `zeros from ${what}, ${at}`, bytes: Buffer.from(bytes).fill(0, at) };
    const noise = at % 2 === 0 ? 0 : '?';
    yield { what: `noise at ${what}, ${at}`, bytes: Buffer.from(bytes).fill(noise, at, end) };
  }
}

/** What can happen to a file as a whole. */
export function* damagesOfWhole(bytes: Buffer): Generator<Damage> {
  yield { what: 'removed', bytes: null };
  yield { what: 'empty', bytes: Buffer.alloc(0) };
  yield { what: 'all zeros', bytes: Buffer.alloc(bytes.length) };
  yield { what: 'zeros behind it', bytes: Buffer.concat([bytes, Buffer.alloc(600)]) };
  yield { what: 'garbage behind it', bytes: Buffer.concat([bytes, Buffer.alloc(600, '?')]) };
  yield { what: 'itself behind it', bytes: Buffer.concat([bytes, bytes]) };
}

/** Every word of every line, and its line feed. */
function manifestRegions(bytes: Buffer): Region[] {
  const text = bytes.latin1Slice();
  return [...text.matchAll(/\S+|\n/g)].flatMap((match) => {
    const at = match.index;
    const what = match[0] === '\n' ? 'line end' : match[0];
    return [
      { what, at },
      { what: `end of ${what}`, at: at + match[0].length - 1 },
    ];
  });
}

/** Every field of the first line, and of the first, the middle and the last record. */
function segmentRegions(bytes: Buffer): Region[] {
  const text = bytes.latin1Slice();
  const regions: Region[] = [];
  const end = text.indexOf('\r\n') + 2;
  addFields(regions, 'first line', text.slice(0, end), 0);
  const starts = [...text.matchAll(/#HELIOS\/1 /g)].map(({ index }) => index);
  const chosen = new Set([0, starts.length >> 1, starts.length - 1]);
  for (const i of chosen) {
    const start = starts[i];
    if (start === undefined) continue;
    const stop = starts[i + 1] ?? bytes.length;
    const head = text.indexOf('\r\n', start) + 2;
    const name = i === starts.length - 1 ? 'last record' : `record ${i}`;
    addFields(regions, name, text.slice(start, head), start);
    if (head >= stop) continue;
    regions.push({ what: `payload of ${name}`, at: head });
    regions.push({ what: `middle of the payload of ${name}`, at: (head + stop) >> 1 });
    regions.push({ what: `end of the payload of ${name}`, at: stop - 1 });
  }
  return regions;
}

function addFields(regions: Region[], where: string, line: string, base: number): void {
  for (const match of line.matchAll(/[^ =\r]+=?|\r\n/g)) {
    const word = match[0] === '\r\n' ? 'line end' : match[0];
    regions.push({ what: `${word} of ${where}`, at: base + match.index });
  }
}

/** Magic, version, every auxiliary field, the keys evenly, the end mark and its checksum. */
function rdbRegions(bytes: Buffer): Region[] {
  const regions: Region[] = [
    { what: 'magic', at: 0 },
    { what: 'version', at: 8 },
  ];
  const text = bytes.latin1Slice();
  for (const match of text.matchAll(/\xfa.(helios-[a-z0-9-]+)/gs)) {
    regions.push({ what: `mark of ${match[1]}`, at: match.index });
    regions.push({ what: `name ${match[1]}`, at: match.index + 2 });
    regions.push({ what: `value of ${match[1]}`, at: match.index + match[0].length + 1 });
  }
  regions.push(...evenly(bytes.subarray(0, bytes.length - 9), 12, 'contents'));
  for (let at = bytes.length - 9; at < bytes.length; at += 4) regions.push({ what: 'end', at });
  return regions;
}

function evenly(bytes: Buffer, count: number, what: string): Region[] {
  const step = Math.max(1, Math.floor(bytes.length / count));
  const regions: Region[] = [];
  for (let at = 0; at < bytes.length; at += step) regions.push({ what, at });
  return regions;
}
