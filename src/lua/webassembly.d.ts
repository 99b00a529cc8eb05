// The part of the WebAssembly API that src/lua uses: the es2023 library leaves it out and the DOM
// library is not ours.
declare global {
  namespace WebAssembly {
    class Module {
      constructor(bytes: Uint8Array);
    }
    class Instance {
      constructor(module: Module, imports: Record<string, Record<string, unknown>>);
      readonly exports: Record<string, unknown>;
    }
    class Memory {
      readonly buffer: ArrayBuffer;
      grow(pages: number): number;
    }
    class Table {
      readonly length: number;
      grow(count: number): number;
      get(index: number): unknown;
      set(index: number, value: unknown): void;
    }
    class Global {
      value: number;
    }
    class RuntimeError extends Error {}
  }
}

export {};
