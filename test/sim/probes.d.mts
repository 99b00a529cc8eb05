// Owns: what probes.mjs says, for TypeScript.

export interface Place {
  readonly name: string;
  readonly file: string;
  readonly at: string;
  readonly when?: string;
  readonly before?: boolean;
}
export const PLACES: readonly Place[];
export const LINES: readonly { readonly name: string; readonly log: string }[];
export function probePatches(): { file: string; from: string; to: string }[];
export function probeHits(entries: Iterable<readonly [string, number]>): Map<string, number>;
