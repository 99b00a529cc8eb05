import { MutableValue } from './value.js';

export class ListValue extends MutableValue {
  override readonly type = 'list';
}
