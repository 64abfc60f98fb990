// Globals of the web that QuickJS lacks and that are too large to be in every plugin: the build puts them in where a plugin
// names them.

// @ts-expect-error it has no types
export { default as URL } from 'core-js-pure/web/url';
// @ts-expect-error it has no types
export { default as URLSearchParams } from 'core-js-pure/web/url-search-params';
