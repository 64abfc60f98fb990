// The rewriters of bodies and the background work that were made, to find out which of them nobody exports. In a file of its own: a plugin
// that has none of them has nothing of body.js and background.js in its bundle.

/** @type {Set<object>} */
export const made = new Set();
