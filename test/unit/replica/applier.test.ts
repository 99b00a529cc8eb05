// Goal: who waits for an index hears of it exactly once: that the machine stands there, or that it
// never will.

import { expect, it } from 'vitest';
import { Machine } from '../../../src/machine/machine.js';
import { systemClock } from '../../../src/platform/clock.js';
import { RaftCore } from '../../../src/raft/core.js';
import { Applier } from '../../../src/replica/applier.js';

type Core = ConstructorParameters<typeof Applier>[0];

function applier(): Applier {
  const core = Object.create(RaftCore.prototype) as Core;
  const machine = new Machine({ node: 'a', incarnation: 1 });
  const sink = { beforeApply: () => {}, applied: () => {} };
  return new Applier(
    core,
    machine,
    sink as unknown as ConstructorParameters<typeof Applier>[2],
    systemClock,
  );
}

it('a wait that is cancelled is told so, once', () => {
  const heard: string[] = [];
  const waits = applier();
  waits.stopAt(
    7,
    () => heard.push('stopped'),
    () => heard.push('cancelled'),
  );
  waits.cancelStop();
  waits.cancelStop();
  expect(heard).toEqual(['cancelled']);
});

it('a wait for where the machine stands is over at once, and cannot be cancelled any more', () => {
  const heard: string[] = [];
  const waits = applier();
  waits.stopAt(
    0,
    () => heard.push('stopped'),
    () => heard.push('cancelled'),
  );
  waits.cancelStop();
  expect(heard).toEqual(['stopped']);
});
