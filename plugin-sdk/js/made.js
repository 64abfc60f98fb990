// The rewriters of bodies that were made, to find out which of them nobody exports. In a file of its own: a plugin that rewrites no body
// has nothing of body.js in its bundle.

/** @type {Set<unknown>} */
export const made = new Set();
