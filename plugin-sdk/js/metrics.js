// What a plugin counts and measures. The host puts `tollgate_plugin_` before each name and adds the label `plugin`.
//
// What the host can't record is a warning in its log, never an error. In the trial of a version nothing is recorded. Don't use a path,
// an address or an id as a label's value.

/// <reference path="./contract.d.ts" />

import * as metricsInterface from 'tollgate:proxy/metrics@0.1.0';
import { guarded } from './host.js';
import { wellFormed } from './utf8.js';

const host = guarded(metricsInterface, 'metrics');

/** @typedef {Record<string, string | number | boolean>} Labels */

/**
 * Describes a metric in the output; for `start`. `buckets` are upper bounds of a histogram's buckets, in ascending order.
 *
 * @param {string} name
 * @param {string} help
 * @param {number[]} [buckets]
 */
export function describe(name, help, buckets = []) {
  host.describe(text(name), text(help), buckets.map(number));
}

/**
 * Adds to a counter.
 *
 * @param {string} name
 * @param {number} [by]
 * @param {Labels} [labels]
 */
export function add(name, by = 1, labels) {
  host.add(text(name), number(by), pairs(labels));
}

/**
 * Sets a gauge.
 *
 * @param {string} name
 * @param {number} value
 * @param {Labels} [labels]
 */
export function set(name, value, labels) {
  host.set(text(name), number(value), pairs(labels));
}

/**
 * Records an observation in a histogram.
 *
 * @param {string} name
 * @param {number} value
 * @param {Labels} [labels]
 */
export function observe(name, value, labels) {
  host.observe(text(name), number(value), pairs(labels));
}

/** @param {string} value */
function text(value) {
  if (typeof value !== 'string') throw new TypeError(`metrics: expected a string, got ${typeof value}`);
  return wellFormed(value);
}

/** @param {number} value */
function number(value) {
  if (typeof value !== 'number') throw new TypeError(`metrics: expected a number, got ${typeof value}`);
  return value;
}

/**
 * @param {Labels} [labels]
 * @returns {[name: string, value: string][]}
 */
function pairs(labels = {}) {
  return Object.entries(labels).map(([name, value]) => [text(name), text(String(value))]);
}
