// Owns: the values of the model, immutable, and one text per value that is equal exactly for equal
// values.

export type Value =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'hash'; readonly fields: ReadonlyMap<string, string> }
  | { readonly kind: 'set'; readonly members: ReadonlySet<string> };

/** When a key may be dead: not before `earliest` (harness ms). `span`: the ms it was given. */
export interface Deadline {
  readonly earliest: number;
  readonly span: number;
}

export interface Slot {
  readonly value: Value;
  readonly deadline: Deadline | null;
}

/** Key to what it holds; absent keys are not in it. */
export type State = ReadonlyMap<string, Slot>;

function textOf(value: Value): string {
  if (value.kind === 'text') return JSON.stringify(value.text);
  if (value.kind === 'list') return JSON.stringify(value.items);
  if (value.kind === 'set') return `s${JSON.stringify([...value.members].sort())}`;
  return `h${JSON.stringify([...value.fields].sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

export function stateKey(state: State): string {
  return [...state.keys()]
    .sort()
    .map((key) => {
      const { value, deadline } = state.get(key)!;
      return `${key}=${textOf(value)}${deadline === null ? '' : `@${deadline.earliest}`}`;
    })
    .join(';');
}
