// Numbers and times as people read them. Pure functions.

const NUMBER = new Intl.NumberFormat('en');
const pad = (number, digits) => String(number).padStart(digits, '0');

/** Microseconds as a length of time: `3 µs`, `31.8 ms`, `1.24 s`. */
export function took(us) {
  if (us === null || us === undefined) return '';
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 999500) return `${(us / 1000).toFixed(us < 1e5 ? 1 : 0)} ms`;
  if (us < 60e6) return `${(us / 1e6).toFixed(us < 1e7 ? 2 : 1)} s`;
  return `${Math.floor(us / 60e6)} min ${Math.round((us % 60e6) / 1e6)} s`;
}

/** A number of bytes: `182 B`, `3.4 KiB`. */
export function bytes(count) {
  if (count === null || count === undefined) return '';
  if (count < 1024) return `${count} B`;
  let size = count;
  for (const unit of ['KiB', 'MiB', 'GiB', 'TiB']) {
    size /= 1024;
    if (size < 1024) return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
  }
  return `${NUMBER.format(Math.round(size))} TiB`;
}

/** Microseconds since 1970 as the time of day, to the millisecond. */
export function clock(us) {
  const time = new Date(us / 1000);
  return `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}.${pad(time.getMilliseconds(), 3)}`;
}

/** The time of day to the second, with the date if it was another day. */
export function moment(us, now = new Date()) {
  const time = new Date(us / 1000);
  const day = time.toDateString() === now.toDateString() ? '' : `${time.getFullYear()}-${pad(time.getMonth() + 1, 2)}-${pad(time.getDate(), 2)} `;
  return `${day}${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}`;
}

export const count = (number) => NUMBER.format(number);

/** `1 field`, `2 fields`. */
export const several = (number, one, more = `${one}s`) => `${count(number)} ${number === 1 ? one : more}`;

/** What a body is, in a word: `JSON`, `PNG`, `text`. */
export function sort(mediaType) {
  const type = (mediaType ?? '').split(';')[0].trim().toLowerCase();
  if (type === '') return '';
  if (/[/+]json$/.test(type)) return 'JSON';
  if (type === 'image/svg+xml') return 'SVG';
  if (type.startsWith('image/')) return type.slice(6).toUpperCase();
  if (type === 'text/html') return 'HTML';
  if (type === 'text/event-stream') return 'events';
  if (/[/+]xml$/.test(type)) return 'XML';
  if (type === 'text/plain') return 'text';
  if (type === 'application/octet-stream') return 'binary';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type;
}

/** A body in a few words: `182 B JSON`; nothing if there is none. */
export function body(content) {
  if (!content || content.length === 0) return '';
  return `${bytes(content.length)} ${sort(content.media_type)}`.trim();
}

export const first = (status) => Math.floor((status ?? 0) / 100);

/** A time within an exchange, which began at `exchange.began_us`: `+3 µs`. */
export function since(us, exchange) {
  if (us === undefined || us === null) return '';
  // Steps count from the beginning of the exchange; a number as large as this is the time of day.
  if (us < 1e14) return `+${took(us)}`;
  return exchange ? `+${took(us - exchange.began_us)}` : clock(us);
}
