// The exchanges that the page knows, oldest first, and those that arrived while the list is held. Knows nothing of the DOM.

/** As many as the list shows; older ones are let go. */
export const LIMIT = 10000;

export class Ring {
  /** Summaries that the list shows, oldest first. */
  rows = [];
  /** The number of rows[0], counted from the first that ever was; it stays the same while others come and go. */
  first = 0;
  /** Arrived while the list is held. */
  waiting = [];
  #known = new Set();
  #limit;

  constructor(limit = LIMIT) {
    this.#limit = limit;
  }

  get length() {
    return this.rows.length;
  }

  /** The summary in this place of the list, the newest first. */
  at(place) {
    return this.rows[this.rows.length - 1 - place];
  }

  /** The place of an exchange in the list, or -1. */
  place(id) {
    const at = this.rows.findLastIndex((row) => row.id === id);
    return at < 0 ? -1 : this.rows.length - 1 - at;
  }

  has(id) {
    return this.#known.has(id);
  }

  /** Takes newer summaries, oldest first. Those that are known already are left out. Returns how many were new. */
  arrive(summaries, held) {
    const fresh = summaries.filter(({ id }) => !this.#known.has(id) && this.#known.add(id));
    (held ? this.waiting : this.rows).push(...fresh);
    this.#trim();
    return fresh.length;
  }

  /** Shows what waits. */
  release() {
    for (const row of this.waiting) this.rows.push(row);
    this.waiting = [];
    this.#trim();
  }

  /** Takes older summaries, the newest first, as the API lists them. */
  older(summaries) {
    const fresh = summaries.filter(({ id }) => !this.#known.has(id)).slice(0, Math.max(0, this.#limit - this.rows.length));
    for (const { id } of fresh) this.#known.add(id);
    this.rows = [...fresh.reverse(), ...this.rows];
    this.first -= fresh.length;
    return fresh.length;
  }

  clear() {
    this.first += this.rows.length;
    this.rows = [];
    this.waiting = [];
    this.#known.clear();
  }

  #trim() {
    this.first += this.#drop(this.rows);
    this.#drop(this.waiting);
  }

  #drop(rows) {
    const surplus = rows.length - this.#limit;
    if (surplus <= 0) return 0;
    for (const { id } of rows.splice(0, surplus)) this.#known.delete(id);
    return surplus;
  }
}
