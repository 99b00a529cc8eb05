import { MutableValue } from './value.js';

export class SortedSetValue extends MutableValue {
  override readonly type = 'zset';
}
