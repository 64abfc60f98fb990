// The request and the response of the current exchange.

import { requestAbi, responseAbi } from "./abi";
import { Verdict, fail, noteAnswer } from "./hooks";
import { bytesAt, lower, release, result, start, tag, takeFieldError, textAt, word } from "./memory";
import { Body, BodyErrorKind, Field, FieldError, FieldErrorKind, Pair } from "./types";
import { cookiesOf, isCoding, paramsOf, valueOf } from "./url";
import { decodeUtf8, encodeUtf8 } from "./utf8";

/** What requests and responses have in common. Names are case-insensitive. */
export class Message {
  constructor(private isRequest: bool) {}

  /** The first value of a field as text, bytes that are not UTF-8 as U+FFFD; null when the message doesn't have it. */
  field(name: string): string | null {
    const bytes = this.fieldBytes(name);
    return bytes ? decodeUtf8(bytes) : null;
  }

  /** The first value of a field as it stands on the wire; null when the message doesn't have it. */
  fieldBytes(name: string): Uint8Array | null {
    const text = lower(name);
    if (this.isRequest) requestAbi.field(start(text), text.byteLength, result);
    else responseAbi.field(start(text), text.byteLength, result);
    const value = tag(0) ? bytesAt(result + 4) : null;
    release();
    return value;
  }

  /** Every value of a field in order. */
  fieldValues(name: string): Uint8Array[] {
    const text = lower(name);
    if (this.isRequest) requestAbi.fieldValues(start(text), text.byteLength, result);
    else responseAbi.fieldValues(start(text), text.byteLength, result);
    const list = word(0);
    const count = word(4);
    const values: Uint8Array[] = [];
    for (let i: u32 = 0; i < count; i++) values.push(bytesAt(list + 8 * i));
    release();
    return values;
  }

  /** Every field in order. */
  fields(): Field[] {
    if (this.isRequest) requestAbi.fields(result);
    else responseAbi.fields(result);
    const list = word(0);
    const count = word(4);
    const fields: Field[] = [];
    for (let i: u32 = 0; i < count; i++) fields.push(new Field(textAt(list + 16 * i), bytesAt(list + 16 * i + 8)));
    release();
    return fields;
  }

  /** Makes this the only value of the field. */
  setField(name: string, value: string): FieldError | null {
    return this.setFieldBytes(name, encodeUtf8(value));
  }

  /** Makes this the only value of the field. */
  setFieldBytes(name: string, value: Uint8Array): FieldError | null {
    const text = lower(name);
    if (this.isRequest) requestAbi.setField(start(text), text.byteLength, value.dataStart, value.length, result);
    else responseAbi.setField(start(text), text.byteLength, value.dataStart, value.length, result);
    return takeFieldError();
  }

  /**
   * Sets several fields in one call: what the list has of a name, once or repeated, is all that the message has of it
   * afterwards. If one is refused, none is changed.
   */
  setFields(fields: Field[]): FieldError | null {
    const list = new StaticArray<u32>(4 * fields.length);
    const names: ArrayBuffer[] = []; // held until the host has read them
    for (let i = 0; i < fields.length; i++) {
      const name = lower(fields[i].name);
      names.push(name);
      list[4 * i] = <u32>start(name);
      list[4 * i + 1] = name.byteLength;
      list[4 * i + 2] = <u32>fields[i].value.dataStart;
      list[4 * i + 3] = fields[i].value.length;
    }
    if (this.isRequest) requestAbi.setFields(changetype<usize>(list), fields.length, result);
    else responseAbi.setFields(changetype<usize>(list), fields.length, result);
    return takeFieldError();
  }

  /** Adds a value behind those that the field has. */
  appendField(name: string, value: string): FieldError | null {
    const text = lower(name);
    const data = lower(value);
    if (this.isRequest) requestAbi.appendField(start(text), text.byteLength, start(data), data.byteLength, result);
    else responseAbi.appendField(start(text), text.byteLength, start(data), data.byteLength, result);
    return takeFieldError();
  }

  /** Removes every value of the field; it is no error if there was none. */
  deleteField(name: string): FieldError | null {
    const text = lower(name);
    if (this.isRequest) requestAbi.deleteField(start(text), text.byteLength, result);
    else responseAbi.deleteField(start(text), text.byteLength, result);
    return takeFieldError();
  }

  /**
   * The whole body, empty when there is none. It waits until the last byte has come, and the body stays in place. A body
   * that no plugin asks for streams past, so ask only when it is needed.
   */
  body(): Body {
    if (this.isRequest) requestAbi.body(result);
    else responseAbi.body(result);
    const body = new Body(new Uint8Array(0), BodyErrorKind.None, 0, "");
    if (!tag(0)) {
      body.bytes = bytesAt(result + 8);
    } else {
      body.error = <BodyErrorKind>tag(8);
      if (body.error == BodyErrorKind.TooLarge) body.limit = load<u64>(result, 16);
      if (body.error == BodyErrorKind.Disconnected) body.detail = textAt(result + 16);
    }
    release();
    return body;
  }

  /** Whether `content-encoding` says that the body is compressed or encoded otherwise. */
  get isEncoded(): bool {
    const coding = this.field("content-encoding");
    return coding !== null && isCoding(coding);
  }

  /**
   * Replaces the body by text. The host sets `content-length`, removes `content-encoding` and digests, and weakens `etag`. A
   * plugin that gives an encoded body sets `content-encoding` in the same hook.
   */
  setBody(text: string): void {
    this.setBodyBytes(encodeUtf8(text));
  }

  /** Replaces the body, as `setBody` does. */
  setBodyBytes(bytes: Uint8Array): void {
    if (this.isRequest) requestAbi.setBody(bytes.dataStart, bytes.length);
    else responseAbi.setBody(bytes.dataStart, bytes.length);
  }
}

function takeText(): string {
  const text = textAt(result);
  release();
  return text;
}

/** The request, as the plugins before this one left it. In the hook for responses it can be read but is past changing. */
export class Request extends Message {
  constructor() {
    super(true);
  }

  /** As sent: `GET`, `PROPFIND`. */
  get method(): string {
    requestAbi.method(result);
    return takeText();
  }

  /** `http` or `https`: how the client spoke to the host. */
  get scheme(): string {
    requestAbi.scheme(result);
    return takeText();
  }

  /** The host and port that the client asked for; empty when it sent none. */
  get authority(): string {
    requestAbi.authority(result);
    return takeText();
  }

  /** Path and query as they stand on the wire: never decoded, never normalised. */
  get target(): string {
    requestAbi.target(result);
    return takeText();
  }

  /** The target up to its query. */
  get path(): string {
    const target = this.target;
    const end = target.indexOf("?");
    return end < 0 ? target : target.substring(0, end);
  }

  /** The target behind its first question mark. */
  get query(): string {
    const target = this.target;
    const end = target.indexOf("?");
    return end < 0 ? "" : target.substring(end + 1);
  }

  /** The first value of a parameter of the query, decoded (`+` is a space, `%XX` a byte), or null. */
  queryParam(name: string): string | null {
    return valueOf(this.queryParams(), name);
  }

  /** Every parameter of the query in order, decoded. */
  queryParams(): Pair[] {
    return paramsOf(this.query);
  }

  /** The first cookie of this name as it was sent, or null. */
  cookie(name: string): string | null {
    return valueOf(this.cookies(), name);
  }

  /** Every cookie. */
  cookies(): Pair[] {
    const all: Pair[] = [];
    const fields = this.fieldValues("cookie");
    for (let i = 0; i < fields.length; i++) cookiesOf(decodeUtf8(fields[i]), all);
    return all;
  }

  /** Replaces the path, as it is to stand on the wire, and keeps the query. */
  setPath(path: string): FieldError | null {
    if (path.includes("?") || path.includes("#")) {
      const what = "the path " + path + " has a ? or #: encode it with encodeUrl";
      return new FieldError(FieldErrorKind.InvalidValue, what);
    }
    const target = this.target;
    const end = target.indexOf("?");
    return this.setTarget(end < 0 ? path : path + target.substring(end));
  }

  /**
   * Asks the backend for a body without `content-encoding`: sets `accept-encoding` to `identity`. For plugins that read or
   * change the response's body.
   */
  acceptIdentity(): FieldError | null {
    return this.setField("accept-encoding", "identity");
  }

  setMethod(method: string): FieldError | null {
    const text = lower(method);
    requestAbi.setMethod(start(text), text.byteLength, result);
    return takeFieldError();
  }

  /** Sets the field `host` that the backend sees. It does not choose another backend. */
  setAuthority(authority: string): FieldError | null {
    const text = lower(authority);
    requestAbi.setAuthority(start(text), text.byteLength, result);
    return takeFieldError();
  }

  /** Changes path and query. */
  setTarget(target: string): FieldError | null {
    const text = lower(target);
    requestAbi.setTarget(start(text), text.byteLength, result);
    return takeFieldError();
  }
}

/** The response. In the hook for requests it is an empty 200, which becomes the answer with `Verdict.Respond`. */
export class Response extends Message {
  constructor() {
    super(false);
  }

  get status(): i32 {
    return responseAbi.status();
  }

  /** Sets a final status, 200 to 599. */
  setStatus(status: i32): FieldError | null {
    // The contract has 16 bits for it.
    responseAbi.setStatus(status < 0 || status > 0xffff ? 0 : status, result);
    return takeFieldError();
  }

  /**
   * Sets status, content-type and body, and says what the hook for requests returns to answer with them: `return
   * response.answer(...)`. A hook that calls it and then returns `Verdict.Forward` fails.
   */
  answer(status: i32, mediaType: string, body: string): Verdict {
    noteAnswer();
    let error = this.setStatus(status);
    if (!error) error = this.setField("content-type", mediaType);
    if (error) return fail(error.message);
    this.setBody(body);
    return Verdict.Respond;
  }
}

export const request = new Request();
export const response = new Response();
