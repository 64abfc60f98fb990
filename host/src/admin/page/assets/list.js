// A list of any length of which only the rows in sight are in the document.

import { measured } from './measure.js';

/** Rows that are kept ready above and below. */
const SPARE = 6;

/**
 * `source`: `length`, `at(place)`, and `first`, so that a row keeps its element while it moves. `make()` makes the element of a
 * row, `show(element, item, chosen)` puts an item into it; `chosen(item)` says whether it is the one.
 */
export class List {
  #pool = [];
  #asked = false;
  #height = 28;
  #spacer;

  constructor(scroller, source, { make, show, chosen, scrolled, resized }) {
    Object.assign(this, { scroller, source, make, show, chosen });
    this.#spacer = document.createElement('div');
    this.#spacer.className = 'spacer';
    this.#spacer.setAttribute('role', 'presentation');
    scroller.append(this.#spacer);
    scroller.addEventListener('scroll', () => {
      scrolled();
      this.draw();
    }, { passive: true });
    this.observer = new ResizeObserver(() => {
      resized();
      this.draw();
    });
    this.observer.observe(scroller);
  }

  /** Draws in the next frame, however often it is asked. */
  draw() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => measured(() => {
      this.#asked = false;
      this.#draw();
    }));
  }

  /** Whether the newest is in sight. */
  get atTop() {
    return this.scroller.scrollTop < this.#height / 2;
  }

  /** The places that are in sight in full: first and one behind the last. */
  get sight() {
    const { scrollTop, clientHeight } = this.scroller;
    return [Math.ceil(scrollTop / this.#height), Math.floor((scrollTop + clientHeight) / this.#height)];
  }

  reveal(place) {
    const { scroller } = this;
    const top = place * this.#height;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + this.#height > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + this.#height - scroller.clientHeight;
    this.#draw();
  }

  /** How many places one page has. */
  get page() {
    return Math.max(1, Math.floor(this.scroller.clientHeight / this.#height) - 1);
  }

  #draw() {
    const { scroller, source } = this;
    if (scroller.clientHeight === 0) return;
    this.#height = parseFloat(getComputedStyle(scroller).getPropertyValue('--row')) || 28;
    const height = `${source.length * this.#height}px`;
    if (this.#spacer.style.height !== height) this.#spacer.style.height = height;
    const begin = Math.max(0, Math.floor(scroller.scrollTop / this.#height) - SPARE);
    const end = Math.min(source.length, Math.ceil((scroller.scrollTop + scroller.clientHeight) / this.#height) + SPARE);
    const size = Math.ceil(scroller.clientHeight / this.#height) + 2 * SPARE + 2;
    this.#resize(size);
    const used = new Set();
    let active = null;
    for (let place = begin; place < end; place += 1) {
      const item = source.at(place);
      const number = source.first + source.length - 1 - place;
      const row = this.#pool[((number % size) + size) % size];
      used.add(row);
      const chosen = this.chosen(item);
      if (row.item !== item || row.isChosen !== chosen) {
        row.item = item;
        row.isChosen = chosen;
        this.show(row.element, item, chosen);
      }
      if (row.place !== place || row.total !== source.length) {
        row.place = place;
        row.total = source.length;
        row.element.style.transform = `translateY(${place * this.#height}px)`;
        row.element.setAttribute('aria-posinset', place + 1);
        row.element.setAttribute('aria-setsize', source.length);
      }
      row.element.hidden = false;
      if (chosen) active = row.element.id;
    }
    for (const row of this.#pool) if (!used.has(row)) row.element.hidden = true;
    if (active) scroller.setAttribute('aria-activedescendant', active);
    else scroller.removeAttribute('aria-activedescendant');
  }

  #resize(size) {
    if (this.#pool.length === size) return;
    for (const { element } of this.#pool.splice(size)) element.remove();
    while (this.#pool.length < size) {
      const element = this.make();
      element.id = `row-${this.#pool.length}`;
      this.#spacer.append(element);
      this.#pool.push({ element, item: null, isChosen: false, place: -1, total: -1 });
    }
    // A number belongs to another element now.
    for (const row of this.#pool) row.item = null;
  }
}
