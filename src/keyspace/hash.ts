import { MutableValue } from './value.js';

export class HashValue extends MutableValue {
  override readonly type = 'hash';
}
