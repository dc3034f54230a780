/** What makes millions of states fit: things become numbers, and tuples of numbers rows of one array. */

/** Things by their word: each gets a number once. */
export class Interned<T> {
  readonly items: T[] = [];
  readonly #indexes = new Map<string, number>();

  /** The number of the thing with that word; `make` is asked only for a new one. */
  indexOf(word: string, make: () => T): number {
    const known = this.#indexes.get(word);
    if (known !== undefined) return known;
    const index = this.items.length;
    this.#indexes.set(word, index);
    this.items.push(make());
    return index;
  }
}

/** From two numbers to one: open addressing, nothing is ever taken out. */
export class PairMap {
  #slots = new Int32Array(3 * 1024).fill(-1);
  #size = 0;

  /** -1 where there is none. */
  get(a: number, b: number): number {
    const slots = this.#slots;
    const mask = slots.length / 3 - 1;
    for (let at = hashOf(a, b) & mask; ; at = (at + 1) & mask) {
      const key = slots[3 * at]!;
      if (key === -1) return -1;
      if (key === a && slots[3 * at + 1] === b) return slots[3 * at + 2]!;
    }
  }

  set(a: number, b: number, value: number): void {
    if (2 * ++this.#size > this.#slots.length / 3) this.#grow();
    this.#put(this.#slots, a, b, value);
  }

  #put(slots: Int32Array, a: number, b: number, value: number): void {
    const mask = slots.length / 3 - 1;
    let at = hashOf(a, b) & mask;
    while (slots[3 * at] !== -1) at = (at + 1) & mask;
    slots[3 * at] = a;
    slots[3 * at + 1] = b;
    slots[3 * at + 2] = value;
  }

  #grow(): void {
    const before = this.#slots;
    const slots = new Int32Array(2 * before.length).fill(-1);
    for (let at = 0; at < before.length; at += 3) if (before[at] !== -1) this.#put(slots, before[at]!, before[at + 1]!, before[at + 2]!);
    this.#slots = slots;
  }
}

/** Rows of `width` numbers, each once, in the order in which they came. */
export class Rows {
  readonly width: number;
  #cells: Int32Array;
  #slots = new Int32Array(1024).fill(-1);
  size = 0;

  constructor(width: number) {
    this.width = width;
    this.#cells = new Int32Array(1024 * width);
  }

  /** The number of the row; a new one is taken in, and then `size` grows. */
  indexOf(row: Int32Array): number {
    const mask = this.#slots.length - 1;
    for (let at = this.#hash(row, 0) & mask; ; at = (at + 1) & mask) {
      const index = this.#slots[at]!;
      if (index === -1) return this.#add(row, at);
      if (this.#isAt(index, row)) return index;
    }
  }

  /** Copies a row into `into`. */
  read(index: number, into: Int32Array): void {
    const from = index * this.width;
    for (let cell = 0; cell < this.width; cell++) into[cell] = this.#cells[from + cell]!;
  }

  #isAt(index: number, row: Int32Array): boolean {
    const from = index * this.width;
    for (let cell = 0; cell < this.width; cell++) if (this.#cells[from + cell] !== row[cell]) return false;
    return true;
  }

  #add(row: Int32Array, at: number): number {
    const index = this.size++;
    if (this.size * this.width > this.#cells.length) {
      const cells = new Int32Array(2 * this.#cells.length);
      cells.set(this.#cells);
      this.#cells = cells;
    }
    this.#cells.set(row, index * this.width);
    this.#slots[at] = index;
    if (2 * this.size > this.#slots.length) this.#rehash();
    return index;
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = slots.length - 1;
    for (let index = 0; index < this.size; index++) {
      let at = this.#hash(this.#cells, index * this.width) & mask;
      while (slots[at] !== -1) at = (at + 1) & mask;
      slots[at] = index;
    }
    this.#slots = slots;
  }

  #hash(cells: Int32Array, from: number): number {
    let hash = 0;
    for (let cell = 0; cell < this.width; cell++) hash = hashOf(hash, cells[from + cell]!);
    return hash;
  }
}

/** Numbers, one behind the other, as many as come. */
export class Column {
  #cells = new Int32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#cells.length) {
      const cells = new Int32Array(2 * this.#cells.length);
      cells.set(this.#cells);
      this.#cells = cells;
    }
    this.#cells[this.length++] = value;
  }

  at(index: number): number {
    return this.#cells[index]!;
  }
}

function hashOf(a: number, b: number): number {
  let hash = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 13);
}
