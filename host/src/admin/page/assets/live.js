// The live events: one connection, opened again whenever it is lost.

/** tollgate tells its status once a second. After this time without a word, in milliseconds, the connection is dead. */
const SILENCE = 6000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10000;

/**
 * Fires `exchanges`, `lost`, `plugin`, `removed` and `status`, with the data in `detail`, and `connection` with `open` (`again` if something
 * may have been missed, `followed` if exchanges may have been because the filter is another) or `lost`.
 */
export class Live extends EventTarget {
  #source = null;
  #heard = 0;
  #pause = FIRST_PAUSE;
  #opened = false;
  #timer = 0;
  #followed = false;
  /** Only exchanges that fit are told; the host has understood it. */
  filter = '';

  start() {
    this.#open();
    setInterval(() => {
      if (this.#source && performance.now() - this.#heard > SILENCE) this.#lose();
    }, 1000);
    addEventListener('online', () => this.retry());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retry();
    });
  }

  /** Does not wait any longer. */
  retry() {
    if (!this.#source) this.#open();
  }

  /** Asks for the exchanges that this filter lets through. */
  follow(filter) {
    if (filter === this.filter) return;
    this.filter = filter;
    // While there is no connection, the next one has the filter.
    if (!this.#source) return;
    this.#source.close();
    this.#followed = true;
    this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    this.#heard = performance.now();
    const source = new EventSource(`/api/v1/events${this.filter ? `?${new URLSearchParams({ filter: this.filter })}` : ''}`);
    this.#source = source;
    source.onopen = () => {
      this.#heard = performance.now();
      this.#pause = FIRST_PAUSE;
      this.#tell('connection', { state: 'open', again: this.#opened && !this.#followed, followed: this.#followed });
      this.#opened = true;
      this.#followed = false;
    };
    source.onerror = () => this.#lose();
    for (const type of ['exchanges', 'lost', 'plugin', 'removed', 'status']) {
      source.addEventListener(type, (event) => {
        this.#heard = performance.now();
        this.#tell(type, JSON.parse(event.data));
      });
    }
  }

  // The browser's own way to open again gives up when it is answered with an error, which a tollgate that starts may do.
  #lose() {
    this.#source?.close();
    this.#source = null;
    this.#followed = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), this.#pause);
    this.#tell('connection', { state: 'lost' });
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
