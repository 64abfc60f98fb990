// What AssemblyScript's standard library wants from its host. `transform.mjs` puts these functions in the place of the imports,
// and takes out those that a plugin doesn't use.

import { now, random, randomBytes } from "./chance";
import { log } from "./exchange";

export function std_seed(): f64 {
  return reinterpret<f64>(random());
}

export function std_date_now(): f64 {
  return <f64>now();
}

export function std_random_values(count: i32): Uint8Array {
  return randomBytes(count);
}

export function std_trace(message: string, count: i32, a: f64, b: f64, c: f64, d: f64, e: f64): void {
  const values = [a, b, c, d, e];
  log.info(count ? message + " " + values.slice(0, count).join(", ") : message);
}

export function std_console_assert(condition: bool, message: string): void {
  if (!condition) log.error("assertion failed: " + message);
}

export function std_console_log(message: string): void {
  log.info(message);
}

export function std_console_debug(message: string): void {
  log.debug(message);
}

export function std_console_warn(message: string): void {
  log.warn(message);
}

export function std_console_error(message: string): void {
  log.error(message);
}
