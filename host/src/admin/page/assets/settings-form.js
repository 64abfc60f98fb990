// A form for a plugin's settings, made from their JSON Schema. What the form can't show as fields is shown as JSON. Whether the
// settings are right is for the host to say: its words stand at the field that they name.

import { button, el } from './dom.js';
import { field } from './settings-field.js';

export class SettingsForm {
  dirty = false;
  #save;

  /** `masked`: where secrets are masked. `save(settings)` resolves when the host took them, or rejects with its words. */
  constructor(schema, settings, masked, save) {
    this.#save = save;
    const root = { type: 'object', ...(schema ?? {}) };
    const asFields = schema && typeof schema === 'object' && root.properties;
    this.field = field(asFields ? root : { title: 'JSON' }, settings ?? {}, { root, masked: new Set(masked), way: ['settings'], required: true });
    this.problem = el('p', { class: 'error', role: 'alert', hidden: true });
    this.submit = el('button', { type: 'submit', class: 'primary' }, 'Save settings');
    this.undo = button('Undo changes', () => {
      const again = new SettingsForm(schema, settings, masked, save);
      this.field.element.replaceWith(again.field.element);
      this.field = again.field;
      this.#touched(false);
      this.problem.hidden = true;
    }, { hidden: true });
    this.element = el('form', {
      class: 'settings', noValidate: true,
      on: {
        submit: (event) => { event.preventDefault(); this.#send(); },
        input: () => this.#touched(true),
      },
    },
    schema ? null : el('p', { class: 'none' }, 'This plugin has no schema. Its settings are JSON.'),
    this.field.element, this.problem, el('p', { class: 'together' }, this.submit, this.undo));
  }

  #touched(dirty) {
    this.dirty = dirty;
    this.undo.hidden = !dirty;
  }

  async #send() {
    this.problem.hidden = true;
    this.field.tell(null);
    try {
      const settings = this.field.read();
      this.submit.setAttribute('aria-disabled', 'true');
      await this.#save(settings);
      this.#touched(false);
    } catch (error) {
      // The host begins with the key that it means: `settings.max_age: "1h": expected a number (integer)`.
      this.problem.textContent = error.message;
      this.problem.hidden = false;
      this.field.tell(error.message)?.focus();
    } finally {
      this.submit.removeAttribute('aria-disabled');
    }
  }
}
