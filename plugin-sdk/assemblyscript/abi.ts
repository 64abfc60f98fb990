// The host's functions as the canonical ABI has them: a list or string is a pointer and a length, and a result that is
// not one number is written to where the last parameter points.

// prettier-ignore
export namespace requestAbi {
  @external("tollgate:proxy/request@0.1.0", "method") export declare function method(result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "set-method") export declare function setMethod(text: usize, length: usize, result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "scheme") export declare function scheme(result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "authority") export declare function authority(result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "set-authority") export declare function setAuthority(text: usize, length: usize, result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "target") export declare function target(result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "set-target") export declare function setTarget(text: usize, length: usize, result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "field") export declare function field(name: usize, nameLength: usize, result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "field-values") export declare function fieldValues(name: usize, nameLength: usize, result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "fields") export declare function fields(result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "set-field") export declare function setField(name: usize, nameLength: usize, value: usize, valueLength: usize, result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "set-fields") export declare function setFields(list: usize, count: usize, result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "append-field") export declare function appendField(name: usize, nameLength: usize, value: usize, valueLength: usize, result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "delete-field") export declare function deleteField(name: usize, nameLength: usize, result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "body") export declare function body(result: usize): void;
  @external("tollgate:proxy/request@0.1.0", "set-body") export declare function setBody(body: usize, length: usize): void;
}

// prettier-ignore
export namespace responseAbi {
  @external("tollgate:proxy/response@0.1.0", "status") export declare function status(): i32;
  @external("tollgate:proxy/response@0.1.0", "set-status") export declare function setStatus(status: i32, result: usize): void;
  @external("tollgate:proxy/response@0.1.0", "field") export declare function field(name: usize, nameLength: usize, result: usize): void;
  @external("tollgate:proxy/response@0.1.0", "field-values") export declare function fieldValues(name: usize, nameLength: usize, result: usize): void;
  @external("tollgate:proxy/response@0.1.0", "fields") export declare function fields(result: usize): void;
  @external("tollgate:proxy/response@0.1.0", "set-field") export declare function setField(name: usize, nameLength: usize, value: usize, valueLength: usize, result: usize): void;
  @external("tollgate:proxy/response@0.1.0", "set-fields") export declare function setFields(list: usize, count: usize, result: usize): void;
  @external("tollgate:proxy/response@0.1.0", "append-field") export declare function appendField(name: usize, nameLength: usize, value: usize, valueLength: usize, result: usize): void;
  @external("tollgate:proxy/response@0.1.0", "delete-field") export declare function deleteField(name: usize, nameLength: usize, result: usize): void;
  @external("tollgate:proxy/response@0.1.0", "body") export declare function body(result: usize): void;
  @external("tollgate:proxy/response@0.1.0", "set-body") export declare function setBody(body: usize, length: usize): void;
}

// prettier-ignore
export namespace exchangeAbi {
  @external("tollgate:proxy/exchange@0.1.0", "id") export declare function id(result: usize): void;
  @external("tollgate:proxy/exchange@0.1.0", "client-address") export declare function clientAddress(result: usize): void;
  @external("tollgate:proxy/exchange@0.1.0", "note") export declare function note(key: usize, keyLength: usize, result: usize): void;
  @external("tollgate:proxy/exchange@0.1.0", "set-note") export declare function setNote(key: usize, keyLength: usize, value: usize, valueLength: usize): void;
}

// prettier-ignore
export namespace storeAbi {
  @external("wasi:config/store@0.2.0-rc.1", "get") export declare function get(key: usize, keyLength: usize, result: usize): void;
  @external("wasi:config/store@0.2.0-rc.1", "get-all") export declare function getAll(result: usize): void;
}

// prettier-ignore
export namespace loggingAbi {
  @external("wasi:logging/logging@0.1.0-draft", "log") export declare function log(level: i32, context: usize, contextLength: usize, message: usize, messageLength: usize): void;
}

// prettier-ignore
export namespace clockAbi {
  @external("wasi:clocks/wall-clock@0.2.0", "now") export declare function now(result: usize): void;
}

// prettier-ignore
export namespace randomAbi {
  @external("wasi:random/random@0.2.0", "get-random-u64") export declare function number(): u64;
  @external("wasi:random/random@0.2.0", "get-random-bytes") export declare function bytes(count: u64, result: usize): void;
}

// prettier-ignore
export namespace stateAbi {
  @external("tollgate:proxy/state@0.1.0", "get") export declare function get(key: usize, length: usize, result: usize): void;
  @external("tollgate:proxy/state@0.1.0", "set") export declare function set(key: usize, length: usize, value: usize, valueLength: usize, hasTtl: i32, ttl: u64, result: usize): void;
  @external("tollgate:proxy/state@0.1.0", "delete") export declare function remove(key: usize, length: usize, result: usize): void;
  @external("tollgate:proxy/state@0.1.0", "increment") export declare function increment(key: usize, length: usize, by: i64, hasTtl: i32, ttl: u64, result: usize): void;
  @external("tollgate:proxy/state@0.1.0", "compare-and-swap") export declare function compareAndSwap(key: usize, length: usize, hasExpected: i32, expected: usize, expectedLength: usize, hasNew: i32, new_: usize, newLength: usize, hasTtl: i32, ttl: u64, result: usize): void;
  @external("tollgate:proxy/state@0.1.0", "keys") export declare function keys(prefix: usize, length: usize, hasAfter: i32, after: usize, afterLength: usize, limit: u32, result: usize): void;
}

// prettier-ignore
export namespace clientAbi {
  @external("tollgate:proxy/client@0.1.0", "send-all") export declare function sendAll(requests: usize, count: usize, result: usize): void;
}

// prettier-ignore
export namespace timerAbi {
  @external("tollgate:proxy/timer@0.1.0", "sleep") export declare function sleep(ms: u64): void;
}

// prettier-ignore
export namespace metricsAbi {
  @external("tollgate:proxy/metrics@0.1.0", "describe") export declare function describe(name: usize, length: usize, help: usize, helpLength: usize, bounds: usize, count: usize): void;
  @external("tollgate:proxy/metrics@0.1.0", "add") export declare function add(name: usize, length: usize, by: f64, labels: usize, count: usize): void;
  @external("tollgate:proxy/metrics@0.1.0", "set") export declare function set(name: usize, length: usize, value: f64, labels: usize, count: usize): void;
  @external("tollgate:proxy/metrics@0.1.0", "observe") export declare function observe(name: usize, length: usize, value: f64, labels: usize, count: usize): void;
}

// prettier-ignore
export namespace sinkAbi {
  @external("tollgate:proxy/body-sink@0.1.0", "emit") export declare function emit(data: usize, length: usize): void;
}
