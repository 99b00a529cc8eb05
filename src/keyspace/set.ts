import { MutableValue } from './value.js';

export class SetValue extends MutableValue {
  override readonly type = 'set';
}
