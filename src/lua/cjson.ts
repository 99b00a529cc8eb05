import type { Library } from './library.js';
export function cjson(): Library {
  return { name: 'cjson', functions: {}, nulls: ['null'] };
}
