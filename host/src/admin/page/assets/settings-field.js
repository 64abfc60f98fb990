// The fields of a settings form. A field that the user does not touch gives back what it was made with, also nothing. Of a secret that
// is the mask, which the host takes for what it stands for.

import { el } from './dom.js';

let made = 0;

/**
 * A field: `element`; `read()`, the value or undefined, which throws if the text is no JSON where JSON is asked; `tell(words)`, which
 * marks the field that the words name and returns its control.
 */
export function field(schema, value, place) {
  const resolved = resolve(schema, place.root);
  const { type, nullable } = kind(resolved);
  if (place.masked.has(pointer(place.way))) return secretField(resolved, value, { ...place, type, nullable });
  const make = { object: objectField, boolean: choice([true, false]), string: textField, number: textField, integer: textField, list: listField, json: jsonField }[type]
    ?? choice(resolved.enum);
  return make(resolved, value, { ...place, type, nullable });
}

/** The JSON pointer (RFC 6901) of a setting, as the host names those that it masks. */
const pointer = (way) => way.slice(1).map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** Whether there are masks in the value of this place. */
const hasMasks = ({ masked, way }) => [...masked].some((one) => one.startsWith(`${pointer(way)}/`));

/** Follows `$ref` within the schema, and `allOf` with one part. */
function resolve(schema, root, depth = 0) {
  if (depth > 20 || schema === null || typeof schema !== 'object') return {};
  if (typeof schema.$ref === 'string' && schema.$ref.startsWith('#/')) {
    const { $ref, ...rest } = schema;
    const target = $ref.slice(2).split('/').reduce((part, key) => part?.[decodeURIComponent(key).replace(/~1/g, '/').replace(/~0/g, '~')], root);
    return { ...resolve(target ?? {}, root, depth + 1), ...rest };
  }
  const alone = schema.allOf?.length === 1 ? schema.allOf : null;
  if (alone) {
    const { allOf, ...rest } = schema;
    return { ...resolve(alone[0], root, depth + 1), ...rest };
  }
  const either = schema.anyOf ?? schema.oneOf;
  if (either?.length === 2 && either.some(({ type }) => type === 'null')) {
    const { anyOf, oneOf, ...rest } = schema;
    const inner = resolve(either.find(({ type }) => type !== 'null'), root, depth + 1);
    return { ...inner, ...rest, nullable: true };
  }
  // An enumeration whose values have descriptions.
  if (either?.length > 0 && either.every((one) => one.const !== undefined || (Array.isArray(one.enum) && one.enum.length === 1))) {
    const { anyOf, oneOf, ...rest } = schema;
    return { ...rest, enum: either.map((one) => one.const ?? one.enum[0]) };
  }
  return schema;
}

/** Which field fits: `object`, `boolean`, `string`, `number`, `integer`, `list`, `enum` or `json`. */
function kind(schema) {
  const types = [schema.type].flat().filter(Boolean);
  const nullable = schema.nullable === true || types.includes('null');
  const plain = types.filter((type) => type !== 'null');
  if (Array.isArray(schema.enum) && schema.enum.every((one) => typeof one !== 'object')) return { type: 'enum', nullable };
  if (plain.length !== 1) return { type: 'json', nullable };
  if (plain[0] === 'object') return { type: schema.properties && Object.keys(schema.properties).length > 0 && !nullable ? 'object' : 'json', nullable };
  if (plain[0] === 'array') return { type: ['string', 'number', 'integer'].includes(schema.items?.type) ? 'list' : 'json', nullable };
  return { type: plain[0], nullable };
}

function objectField(schema, value, { root, masked, way }) {
  const required = new Set(schema.required ?? []);
  const before = value !== null && typeof value === 'object' ? value : undefined;
  const fields = Object.entries(schema.properties).map(([key, part]) =>
    [key, field(part, before?.[key], { root, masked, way: [...way, key], required: required.has(key) })]);
  const inner = fields.map(([, { element }]) => element);
  const element = way.length === 1
    ? el('div', { class: 'fields-of' }, inner)
    : el('fieldset', { class: 'fields-of' }, el('legend', {}, way.at(-1)), hint(schema), inner);
  return {
    element,
    read() {
      // What the schema does not name stays as it was.
      const read = { ...before };
      for (const [key, { read: of }] of fields) {
        const part = of();
        if (part === undefined) delete read[key];
        else read[key] = part;
      }
      return before === undefined && Object.keys(read).length === 0 ? undefined : read;
    },
    tell: (words) => fields.map(([, { tell }]) => tell(words)).find(Boolean),
  };
}

/** A field with a label, a description, and one control. */
function labelled(schema, place, control, read) {
  made += 1;
  const id = `setting-${made}`;
  const name = place.way.slice(1).join('.') || 'settings';
  control.id = id;
  control.setAttribute('aria-describedby', `${id}-hint ${id}-problem`);
  if (place.required && place.way.length > 1) control.setAttribute('aria-required', 'true');
  const problem = el('p', { class: 'problem', id: `${id}-problem`, hidden: true });
  const label = el('label', { for: id }, place.way.length > 1 ? place.way.at(-1) : schema.title ?? 'JSON', place.required && place.way.length > 1 ? el('span', { class: 'needed' }, ' needed') : null);
  let touched = false;
  control.addEventListener('input', () => { touched = true; });
  const masks = hasMasks(place) ? el('p', { class: 'hint' }, '[masked] stands for a secret. It is kept unless you put a new one in its place.') : null;
  return {
    element: el('div', { class: `field field-${place.type ?? 'json'}` }, label, control, el('div', { id: `${id}-hint` }, hint(schema), masks), problem),
    read: () => read(touched),
    tell(words) {
      const mine = words !== null && names(words, place.way);
      problem.hidden = !mine;
      problem.textContent = mine ? words : '';
      if (mine) control.setAttribute('aria-invalid', 'true');
      else control.removeAttribute('aria-invalid');
      return mine ? control : undefined;
    },
    name,
  };
}

/** Whether the words are about this key: `settings.max_age: …`, `settings.rules[2].name: …`, `setting max_age has …`. */
export function names(words, way) {
  const key = way.slice(1).join('.').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return way.length > 1 && new RegExp(`(^|[\\s"'\`(])settings?[. ]["'\`]?${key}([:\\s"'\`\\[.]|$)`).test(words);
}

function hint(schema) {
  const text = [schema.description, standard(schema)].filter(Boolean).join(' ');
  return text ? el('p', { class: 'hint' }, text) : null;
}

/** The default in words; nothing where the control itself names it. */
function standard({ default: value, type, enum: values, writeOnly }) {
  if (value === undefined || value === null || writeOnly || type === 'boolean' || values) return '';
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.length === 0 ? '' : `Default: ${value.join(', ')}.`;
  return `Default: ${typeof value === 'string' ? value : JSON.stringify(value)}.`;
}

function textField(schema, value, place) {
  const numeric = place.type !== 'string';
  const control = el('input', { type: isSecret(schema) ? 'password' : 'text', autocomplete: 'off', spellcheck: false, value: value === undefined || value === null ? '' : String(value) });
  if (numeric) control.inputMode = 'decimal';
  if (schema.default !== undefined && schema.default !== null && !schema.writeOnly) control.placeholder = String(schema.default);
  return labelled(schema, place, control, (touched) => {
    if (!touched) return value;
    const text = control.value;
    if (text === '' && !(place.required && !numeric)) return undefined;
    return numeric ? number(text) : text;
  });
}

const isSecret = (schema) => schema.writeOnly === true || schema.format === 'password';

/** A value that the host does not show. It is kept unless the user types a new one. */
function secretField(schema, mask, place) {
  const control = el('input', { type: 'password', autocomplete: 'new-password', spellcheck: false, placeholder: 'set; type to replace it' });
  let removed = false;
  const remove = el('button', { type: 'button', on: { click() {
    removed = !removed;
    control.value = '';
    control.placeholder = removed ? 'removed when saved' : 'set; type to replace it';
    remove.textContent = removed ? 'Keep' : 'Remove';
    control.dispatchEvent(new Event('input', { bubbles: true }));
  } } }, 'Remove');
  control.addEventListener('input', () => {
    if (control.value !== '' && removed) remove.click();
  });
  const made = labelled(schema, { ...place, type: 'secret' }, control, () => {
    if (control.value === '') return removed ? undefined : mask;
    if (place.type === 'string' || place.type === 'enum') return control.value;
    if (place.type === 'number' || place.type === 'integer') return number(control.value);
    return parsed(control.value, place);
  });
  if (!place.required) {
    remove.setAttribute('aria-label', `Remove ${place.way.at(-1)}`);
    const row = el('div', { class: 'secret' });
    control.replaceWith(row);
    row.append(control, remove);
  }
  return made;
}

/** A number, or the text as it is: the host then says what it expected. */
function number(text) {
  const trimmed = text.trim();
  return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(trimmed) ? Number(trimmed) : text;
}

function choice(values) {
  return (schema, value, place) => {
    const unset = !place.required || value === undefined;
    const control = el('select', {},
      unset ? el('option', { value: '' }, schema.default === undefined ? 'not set' : `not set (${JSON.stringify(schema.default)})`) : null,
      values.map((one, at) => el('option', { value: String(at), selected: one === value }, String(one))));
    return labelled(schema, place, control, (touched) => (touched ? (control.value === '' ? undefined : values[Number(control.value)]) : value));
  };
}

function listField(schema, value, place) {
  const lines = Array.isArray(value) ? value.map(String) : [];
  const numeric = schema.items.type !== 'string';
  const control = el('textarea', { rows: Math.min(10, Math.max(2, lines.length + 1)), spellcheck: false, value: lines.join('\n') });
  if (Array.isArray(schema.default)) control.placeholder = schema.default.join('\n');
  const described = { ...schema, description: [schema.description, 'One on each line.'].filter(Boolean).join(' ') };
  return labelled(described, place, control, (touched) => {
    if (!touched) return value;
    const wanted = control.value.split('\n').filter((line) => line !== '');
    if (wanted.length === 0 && value === undefined) return undefined;
    return numeric ? wanted.map(number) : wanted;
  });
}

function jsonField(schema, value, place) {
  const text = value === undefined ? '' : JSON.stringify(value, null, 2);
  const control = el('textarea', { class: 'json', rows: Math.min(24, Math.max(3, text.split('\n').length + 1)), spellcheck: false, value: text });
  return labelled(schema, place, control, (touched) => {
    if (!touched) return value;
    if (control.value.trim() === '') return place.way.length === 1 ? {} : undefined;
    return parsed(control.value, place);
  });
}

function parsed(text, place) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${place.way.join('.')}: this is not JSON: ${error.message}`);
  }
}
