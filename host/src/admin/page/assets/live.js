// The live events: one connection, opened again whenever it is lost.

/** tollgate tells its status once a second. After this time without a word, in milliseconds, the connection is dead. */
const SILENCE = 6000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10000;

/**
 * Fires `exchanges`, `lost`, `plugin`, `removed` and `status`, with the data in `detail`, and `connection` with `connecting`, `open` (`again` if
 * something may have been missed) or `lost` (`until`: when it is tried again).
 */
export class Live extends EventTarget {
  #source = null;
  #heard = 0;
  #pause = FIRST_PAUSE;
  #opened = false;
  #timer = 0;

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

  #open() {
    clearTimeout(this.#timer);
    this.#heard = performance.now();
    const source = new EventSource('/api/v1/events');
    this.#source = source;
    source.onopen = () => {
      this.#heard = performance.now();
      this.#pause = FIRST_PAUSE;
      this.#tell('connection', { state: 'open', again: this.#opened });
      this.#opened = true;
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
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), this.#pause);
    this.#tell('connection', { state: 'lost' });
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
