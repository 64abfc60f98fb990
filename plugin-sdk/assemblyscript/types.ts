// What the functions of the other files give back.

import { decodeUtf8 } from "./utf8";

/** A field of a message: its name in lower case, and its value as it stands on the wire. */
export class Field {
  constructor(
    public name: string,
    public value: Uint8Array,
  ) {}

  /** A field with a text value. */
  static of(name: string, value: string): Field {
    return new Field(name, Uint8Array.wrap(String.UTF8.encode(value)));
  }

  /** The value as text; bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    return decodeUtf8(this.value);
  }
}

/** A name and a value, of a query or a cookie. */
export class Pair {
  constructor(
    public name: string,
    public value: string,
  ) {}
}

/** Why a part of a message could not be changed. */
export enum FieldErrorKind {
  /** Not a token (RFC 9110, section 5.6.2). */
  InvalidName,
  /** It can't stand where it was put. */
  InvalidValue,
  /** The field describes the connection or the framing, which the host alone sets. */
  OwnedByHost,
  /** The message has as many fields as the host allows. */
  TooMany,
}

/** Why a part of a message could not be changed, and which. Nothing was changed. */
export class FieldError {
  constructor(
    public kind: FieldErrorKind,
    /** The name of the field, or for InvalidValue what is wrong with the value. */
    public detail: string,
  ) {}

  /** One lower-case clause, for `fail`. */
  get message(): string {
    if (this.kind == FieldErrorKind.InvalidName) return '"' + this.detail + '" is not a field name';
    if (this.kind == FieldErrorKind.InvalidValue) return this.detail;
    if (this.kind == FieldErrorKind.OwnedByHost) return "the field " + this.detail + " is set by the host alone";
    return "the message has as many fields as the host allows";
  }
}

/** Why a body can't be had. */
export enum BodyErrorKind {
  /** Longer than this plugin may read at once. The body is still whole for everyone else. */
  TooLarge,
  /** No further byte came in the time that the host allows. */
  TimedOut,
  /** The peer went away or broke the framing. */
  Disconnected,
  /** It has gone on to its receiver and was not kept. */
  AlreadyStreamed,
  /** There is no error. */
  None,
}

/** A body, or why it can't be had. */
export class Body {
  constructor(
    /** Empty if there is an error. The array is the caller's. */
    public bytes: Uint8Array,
    public error: BodyErrorKind,
    /** How many bytes the plugin may read, for TooLarge. */
    public limit: u64,
    /** What the host saw, for Disconnected. */
    public detail: string,
  ) {}

  get ok(): bool {
    return this.error == BodyErrorKind.None;
  }

  /** The body as text; bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    return decodeUtf8(this.bytes);
  }

  /** One lower-case clause, for `fail`; empty if there is no error. */
  get message(): string {
    if (this.error == BodyErrorKind.None) return "";
    if (this.error == BodyErrorKind.TooLarge)
      return "the body is longer than the " + this.limit.toString() + " bytes that this plugin may read";
    if (this.error == BodyErrorKind.TimedOut) return "the body did not arrive in time";
    if (this.error == BodyErrorKind.Disconnected) return "the body broke off: " + this.detail;
    return "the body has gone on to its receiver: read it in the request hook if it is needed later";
  }
}
