// The engine on its own: nothing of a run reaches the next, every run is the same run, and nothing
// a script does makes it hang or break.

import { describe, expect, it } from 'vitest';
import { sha1Hex } from '../../../src/base/sha1.js';
import { type RunHandlers, ScriptEngine } from '../../../src/lua/script-engine.js';
import { interpreter } from './interpreter.js';

interface Outcome {
  readonly kind: string;
  readonly text: string;
  /** What the run left in the tank. */
  readonly fuel: number;
}

class Bench {
  readonly engine = new ScriptEngine(interpreter, []);

  run(script: string, keys: readonly string[] = [], args: readonly string[] = []): Outcome {
    const image = this.engine.compile(sha1Hex(script), script);
    if (typeof image === 'string') return { kind: 'compile', text: image, fuel: 0 };
    const { vm } = this.engine;
    this.engine.random.startFrom(() => 7);
    const outcome = (kind: string, state: number): Outcome => {
      if (kind === 'failure') vm.rawGetField(state, -1, 'err');
      return { kind, text: vm.toText(state, -1) ?? '', fuel: vm.fuel };
    };
    const handlers: RunHandlers<Outcome> = {
      value: (state) => outcome('value', state),
      failure: (state) => {
        const plain = vm.toText(state, -1);
        return plain === null
          ? outcome('failure', state)
          : { kind: 'plain', text: plain, fuel: vm.fuel };
      },
      stopped: (reason) => ({ kind: reason, text: '', fuel: 0 }),
    };
    return this.engine.run(image, keys, args, handlers);
  }
}

describe('a run', () => {
  it('keeps all 256 bytes in keys, arguments, literals and results', () => {
    const bench = new Bench();
    const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
    expect(bench.run('return KEYS[1] .. ARGV[1]', [bytes], [bytes]).text).toBe(bytes + bytes);
    const built = 'local t = {} for i = 0, 255 do t[#t + 1] = string.char(i) end ';
    expect(bench.run(`${built} return table.concat(t)`).text).toBe(bytes);
    const long = bytes.repeat(1000);
    expect(bench.run('return ARGV[1]', [], [long]).text).toBe(long);
  });

  it('leaves nothing behind for the next', () => {
    const bench = new Bench();
    const probe = 'return leak';
    const before = bench.run('return ("x"):rep(2) .. tostring(rawget(getfenv(0), "leak"))');
    bench.run('getmetatable("").__index = { rep = function() return "stolen" end }');
    bench.run('setfenv(0, { leak = 1 }) getmetatable("").__index.rep = nil');
    bench.run('local g = getfenv(pcall) g.leak = "yes" g.tostring = nil');
    bench.run('while true do end');
    expect(bench.run('return ("x"):rep(2) .. tostring(rawget(getfenv(0), "leak"))')).toEqual(
      before,
    );
    expect(bench.run(probe).kind).toBe('failure');
  });

  it('is the same run whatever ran before: addresses, table order, memory, fuel', () => {
    const fresh = new Bench();
    const used = new Bench();
    for (let i = 0; i < 50; i++) {
      used.run(`local t = {} for i = 1, ${i * 97} do t[i] = {} end return #t`);
    }
    used.run('local t = {} while true do t[#t + 1] = {} end');
    used.run('return string.rep("x", 1e7)');
    const scripts = [
      'return tostring({}) .. tostring(function() end) .. tostring(coroutine.create(print0 or type))',
      'local t, r = {}, {} for i = 1, 100 do t[{}] = i end for _, v in pairs(t) do r[#r + 1] = v end ' +
        'return table.concat(r, ",")',
      'local t = {} for i = 1, 1000 do t[i] = {i} end return collectgarbage("count") .. gcinfo()',
      'return math.random() .. math.random(100)',
      'local n = 0 local ok, e = pcall(function() local t = {} while true do n = n + 1 ' +
        't[n] = string.rep("x", 1000) .. n end end) return n .. tostring(e)',
    ];
    for (const script of scripts) expect(used.run(script), script).toEqual(fresh.run(script));
  });

  it('charges the same for the same steps, and more for more', () => {
    const bench = new Bench();
    const loop = (count: number): number =>
      bench.run(`local s = 0 for i = 1, ${count} do s = s + i end return s`).fuel;
    expect(loop(1000)).toBe(loop(1000));
    expect(loop(1000)).toBeGreaterThan(loop(2000));
  });
});

describe('hostile scripts', () => {
  const forever: readonly string[] = [
    'while true do end',
    'while true do pcall(function() while true do end end) end',
    'return string.rep("a", 100):find(string.rep("a?", 100) .. "b")',
    'return string.rep("a", 30000):find(".-.-.-.-b")',
    'local co = coroutine.wrap(function() while true do end end) co()',
    'local p = newproxy(true) getmetatable(p).__gc = function() while true do end end p = nil ' +
      'collectgarbage()',
    'local t = {} for i = 1, 1e5 do t[i] = i end while true do table.insert(t, 1, 0) end',
    'local a = string.rep("x", 1e6) local b, c = a .. "y", a .. "z" while b < c do end',
    'local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t + 1] = {} end end) end',
    'while true do cjson.encode({1, 2, 3}) end',
    'while true do pcall(cjson.decode, string.rep("[", 1000)) end',
    'while true do cmsgpack.pack({1, 2, 3}) end',
    'while true do struct.pack("i", 1) end',
    'while true do math.random() end',
    'while true do struct.pack("c" .. 2 ^ 30, "x") end',
    'return string.rep("x", 1e9)',
  ];
  it.each(forever)('stops: %s', (script) => {
    expect(new Bench().run(script)).toEqual({ kind: 'fuel', text: '', fuel: 0 });
  });

  it('runs out of memory as an error a script can catch, and goes on after it', () => {
    const bench = new Bench();
    const eat = 'local s = "x" for i = 1, 40 do s = s .. s end';
    expect(bench.run(eat)).toMatchObject({ kind: 'plain', text: 'not enough memory' });
    const caught = `return tostring(select(2, pcall(function() ${eat} end)))`;
    expect(bench.run(caught)).toMatchObject({ kind: 'value', text: 'not enough memory' });
    expect(bench.run('return "fine"').text).toBe('fine');
  });

  it('ends recursion in an error at the same depth each time', () => {
    const bench = new Bench();
    const depths = [
      'local d = 0 local function f() d = d + 1 pcall(f) end f() return d',
      'local d = 0 local function f() d = d + 1 coroutine.resume(coroutine.create(f)) end f() return d',
      'local d = 0 local function f() d = d + 1 string.gsub("a", "a", f) end pcall(f) return d',
      'local d = 0 local function f() d = d + 1 return 1 + f() end pcall(f) return d',
    ];
    const results = depths.map((script) => Number(bench.run(script).text));
    expect(results).toEqual(depths.map((script) => Number(new Bench().run(script).text)));
    expect(results.every((depth) => depth > 150)).toBe(true);
    expect(bench.run('return string.rep("a", 400):find(string.rep("a?", 400))').kind).toBe('value');
    const deep = 'return pcall(string.find, string.rep("a", 9000), string.rep("a?", 9000))';
    expect(bench.run(deep).kind).toBe('depth');
    expect(bench.run('return "fine"').text).toBe('fine');
  });

  it('counts the depth of patterns anew after a malformed one', () => {
    const script =
      'for i = 1, 5000 do pcall(string.find, "aaaa", "a?a?a?[") end return string.find("aa", "a?a?")';
    expect(new Bench().run(script).kind).toBe('value');
  });

  it('refuses precompiled code', () => {
    const script = 'return select(2, loadstring(string.dump(function() end)))';
    expect(new Bench().run(script).text).toContain('unexpected symbol');
    expect(new Bench().run('\x1bLua').kind).toBe('compile');
  });
});
