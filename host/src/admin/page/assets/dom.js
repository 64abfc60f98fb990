// Makes elements. Text becomes text nodes and nothing else: what comes from the network is never read as HTML.

/**
 * An element. Properties: `class`, `on` (listeners by type), `data`, what starts with `aria-` or is named in ATTRIBUTES as an
 * attribute; the rest is set on the object. Children: nodes, text, or nothing (null, undefined, false).
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key === 'class') node.className = value;
    else if (key === 'on') for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
    else if (key === 'data') Object.assign(node.dataset, value);
    else if (key.startsWith('aria-') || ATTRIBUTES.has(key)) node.setAttribute(key, value);
    else node[key] = value;
  }
  fill(node, children);
  return node;
}

const ATTRIBUTES = new Set(['role', 'for', 'href', 'list', 'popover', 'popovertarget', 'inputmode', 'datetime', 'download']);

/** Puts these children in the place of those that are there. */
export function fill(node, children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Sets text only if it is another: what does not change costs no layout. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let announcer;
/** Tells a screen reader. Only what the user caused, or has to know. */
export function announce(text) {
  announcer ??= document.getElementById('announcer');
  announcer.textContent = text;
}

/** A button that stands for one action. While it runs, the button is off. */
export function button(label, act, properties = {}) {
  const node = el('button', { type: 'button', ...properties }, label);
  node.addEventListener('click', async () => {
    if (node.getAttribute('aria-disabled') === 'true') return;
    node.setAttribute('aria-disabled', 'true');
    try {
      await act(node);
    } finally {
      node.removeAttribute('aria-disabled');
    }
  });
  return node;
}

/** Text that only a screen reader tells. */
export const unseen = (text) => el('span', { class: 'unseen' }, text);

/** Whether there is room for the list beside what is chosen in it. */
export const wide = matchMedia('(min-width: 860px)');

/** The button that closes what was chosen. */
export function closer(close) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [key, value] of Object.entries({ viewBox: '0 0 12 12', width: 12, height: 12, 'aria-hidden': 'true' })) svg.setAttribute(key, value);
  const path = document.createElementNS(svg.namespaceURI, 'path');
  for (const [key, value] of Object.entries({ d: 'M1 1l10 10M11 1L1 11', stroke: 'currentColor', 'stroke-width': 1.3, fill: 'none' })) path.setAttribute(key, value);
  svg.append(path);
  return el('button', { type: 'button', class: 'close', 'aria-label': 'Close', title: 'Close (Esc)', on: { click: close } }, svg);
}
