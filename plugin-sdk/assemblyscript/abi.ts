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
