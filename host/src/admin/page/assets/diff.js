// Shows a diff that the host made: two columns, or one below the other where there is no room.

import { button, el, unseen } from './dom.js';
import { several } from './format.js';
import { cutNote, image } from './content.js';

/** Equal lines that stay around a change. */
const AROUND = 3;
/** Fewer equal lines than this are not folded. */
const FOLD = 6;

/** How many rows of a diff are not equal. */
export const changedRows = (diff) => (diff?.rows ?? []).filter(({ op }) => op !== 'equal').length;

/** A diff of lines: `{rows: [{op, left, right}], truncated}`. With `names` the two columns have a head. */
export function diff({ rows, truncated }, names) {
  const table = el('div', { class: 'diff', role: 'region', tabIndex: 0, 'aria-label': names ? `${names[0]} and ${names[1]}` : 'Before and after' });
  if (names) table.append(el('div', { class: 'line names', 'aria-hidden': 'true' }, names.map((name) => el('div', { class: 'side' }, name))));
  for (const part of folded(rows)) {
    if (part.hidden) table.append(fold(part.rows));
    else table.append(...part.rows.map(row));
  }
  return [table, truncated ? el('p', { class: 'none note' }, 'The difference goes on. It is cut here.') : null];
}

/** A diff of bodies; pictures are shown beside each other. */
export function bodyDiff(bodies) {
  const { kind, left, right, rows } = bodies;
  const pictures = kind === 'image' ? [left, right].map(image) : [];
  if (pictures.some(Boolean)) {
    return el('div', { class: 'diff pictures' }, el('div', { class: 'line replace' },
      pictures.map((picture, at) => el('div', { class: 'side' }, picture ?? el('p', { class: 'none' }, at === 0 ? 'nothing' : 'no picture')))));
  }
  return [cutNote(left), diff({ rows: rows ?? [], truncated: bodies.truncated })];
}

function row({ op, left, right }) {
  const [old, young] = op === 'replace' ? emphasised(left ?? '', right ?? '') : [[left ?? ''], [right ?? '']];
  const has = { equal: [true, true], insert: [false, true], delete: [true, false], replace: [true, true] }[op] ?? [true, true];
  return el('div', { class: `line ${op}` }, side('left', op, old, has[0]), side('right', op, young, has[1]));
}

function side(which, op, text, there) {
  if (!there) return el('div', { class: `side ${which} gap`, 'aria-hidden': 'true' });
  const tag = op === 'equal' ? 'span' : which === 'left' ? 'del' : 'ins';
  const sign = { del: 'removed: ', ins: 'added: ' }[tag];
  // An equal line is read once.
  const twice = op === 'equal' && which === 'right';
  return el('div', { class: `side ${which}`, 'aria-hidden': twice ? 'true' : null }, el(tag, {}, sign ? unseen(sign) : null, text));
}

/** Marks what differs between two lines: all but their common beginning and end. */
export function emphasised(left, right) {
  let begin = 0;
  const shorter = Math.min(left.length, right.length);
  while (begin < shorter && left[begin] === right[begin]) begin += 1;
  let end = 0;
  while (end < shorter - begin && left[left.length - 1 - end] === right[right.length - 1 - end]) end += 1;
  // With little in common a mark says nothing.
  if (begin + end < 3) return [[left], [right]];
  return [left, right].map((line) => {
    const middle = line.slice(begin, line.length - end);
    return [line.slice(0, begin), middle === '' ? null : el('mark', {}, middle), line.slice(line.length - end)];
  });
}

/** Parts of rows; long runs of equal rows are hidden, but for those next to a change. */
export function folded(rows) {
  const parts = [];
  let at = 0;
  while (at < rows.length) {
    const equal = rows[at].op === 'equal';
    let end = at;
    while (end < rows.length && (rows[end].op === 'equal') === equal) end += 1;
    const before = at === 0 ? 0 : AROUND;
    const behind = end === rows.length ? 0 : AROUND;
    if (!equal || end - at - before - behind < FOLD || (at === 0 && end === rows.length)) {
      parts.push({ hidden: false, rows: rows.slice(at, end) });
    } else {
      parts.push({ hidden: false, rows: rows.slice(at, at + before) });
      parts.push({ hidden: true, rows: rows.slice(at + before, end - behind) });
      parts.push({ hidden: false, rows: rows.slice(end - behind, end) });
    }
    at = end;
  }
  return parts;
}

function fold(rows) {
  const node = button(several(rows.length, 'equal line'), () => node.replaceWith(...rows.map(row)), { class: 'fold' });
  return node;
}
