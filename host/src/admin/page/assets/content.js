// Shows a body as it is: JSON indented, text, an image, or bytes as hex.

import { button, el } from './dom.js';
import { bytes, sort } from './format.js';

/** More lines are shown on request. */
const LINES = 1500;
const HEX_LINES = 512;
const IMAGE = /^image\/(png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon|svg\+xml)$/;

export function showContent(content) {
  if (!content || content.length === 0) return el('p', { class: 'none' }, 'There is no body.');
  return [cutNote(content), shown(content)];
}

function shown(content) {
  const picture = image(content);
  if (picture) return picture;
  if (content.text === undefined || content.text === null) return long(hexLines(decode(content.base64 ?? '')), HEX_LINES);
  return long(pretty(content.text, content.media_type).split('\n'), LINES);
}

/** Says what is not there. */
export function cutNote(content) {
  if (!content) return null;
  const notes = [];
  if (content.kept < content.length) notes.push(`The first ${bytes(content.kept)} of ${bytes(content.length)} are kept.`);
  if (content.complete === false) notes.push('It did not go to its end.');
  return notes.length === 0 ? null : el('p', { class: 'none note' }, notes.join(' '));
}

/** The picture, or null if it is none that is whole. */
export function image(content) {
  const type = (content?.media_type ?? '').split(';')[0].trim().toLowerCase();
  if (!IMAGE.test(type) || content.kept < content.length) return null;
  const data = content.base64 === undefined || content.base64 === null ? new TextEncoder().encode(content.text ?? '') : decode(content.base64);
  const picture = el('img', { alt: `${sort(type)}, ${bytes(content.length)}`, decoding: 'async' });
  // An image has no scripts, whatever is in it. The address is taken back once it is read.
  picture.src = URL.createObjectURL(new Blob([data], { type }));
  picture.addEventListener('load', () => URL.revokeObjectURL(picture.src), { once: true });
  picture.addEventListener('error', () => picture.replaceWith(el('p', { class: 'none' }, `This is no ${sort(type)} that the browser can show.`)), { once: true });
  return el('div', { class: 'picture' }, picture);
}

export function pretty(text, mediaType) {
  if (sort(mediaType) !== 'JSON' && !/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function decode(base64) {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** `00000010  68 65 6c 6c 6f …  hello`, sixteen bytes a line. */
export function hexLines(data) {
  const lines = [];
  for (let at = 0; at < data.length; at += 16) {
    const part = [...data.subarray(at, at + 16)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ').padEnd(47);
    const letters = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex}  ${letters}`);
  }
  return lines;
}

function long(lines, limit) {
  const pre = el('pre', { class: 'content', tabIndex: 0, role: 'region', 'aria-label': 'Content' }, lines.slice(0, limit).join('\n'));
  if (lines.length <= limit) return pre;
  const more = button(`Show all ${lines.length} lines`, () => {
    pre.textContent = lines.join('\n');
    more.remove();
  });
  return [pre, more];
}
