// The inspector: connects the views with what tollgate tells. Nothing is built; the browser reads these modules as they are.

import { learnOffers, offers } from './api.js';
import { announce, say } from './dom.js';
import { ExchangesView } from './exchanges.js';
import { bytes, count, several } from './format.js';
import { Live } from './live.js';
import { LogsView } from './logs.js';
import { measure, measured } from './measure.js';
import { PluginsView, tone } from './plugins.js';
import { format, parse } from './router.js';

const at = (id) => document.getElementById(id);
const main = at('main');
const views = { exchanges: new ExchangesView(), plugins: new PluginsView(), logs: new LogsView() };
const live = new Live();
let shown = null;
/** The address that each view had last. */
const left = {};

function route() {
  const place = parse(location.hash);
  if (place.view === 'exchanges' && document.querySelector('[data-view=exchanges]').hidden) place.view = 'plugins';
  const view = views[place.view];
  left[place.view] = format(place);
  if (shown !== view) {
    shown?.hide?.();
    main.replaceChildren(view.element);
    shown = view;
  }
  for (const link of document.querySelectorAll('nav [data-view]')) {
    const { view: linked } = link.dataset;
    if (linked === place.view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
    // From elsewhere, a view is found as it was left.
    link.setAttribute('href', linked === place.view ? `#/${linked}` : left[linked] ?? `#/${linked}`);
  }
  document.title = place.id && place.view === 'plugins' ? `${place.id} · tollgate` : `${place.view[0].toUpperCase()}${place.view.slice(1)} · tollgate`;
  view.show(place);
}

function showStatus(status) {
  const all = status.listen ?? [];
  const [{ address, tls } = {}] = all;
  const backends = (status.backends ?? []).map(({ name, addresses }) => (status.backends.length > 1 ? name : addresses?.[0] ?? name).replace(/^http:\/\/|\/$/g, ''));
  say(at('ways'), address ? `${address}${tls ? ' (TLS)' : ''}${all.length > 1 ? ` and ${all.length - 1} more` : ''} → ${backends.slice(0, 2).join(', ')}${backends.length > 2 ? ` and ${backends.length - 2} more` : ''}` : '');
  at('ways').title = all.map((one) => `${one.tls ? 'https' : 'http'}://${one.address}${one.name && one.name !== 'default' ? ` ${one.name}` : ''}`).join('\n');
  const { per_second: rate = 0, total } = status.exchanges ?? {};
  say(at('pulse-text'), `${count(Math.round(rate))}/s`);
  at('pulse').title = total === undefined ? '' : `${count(total)} exchanges since tollgate started, version ${status.version}`;
  showTape(status.recording?.tape);
  for (const view of Object.values(views)) view.status(status);
}

/** Where exchanges are written, and that some are missing there. */
function showTape(tape) {
  at('tape').hidden = !tape;
  if (!tape) return;
  const { file, bytes: size, exchanges, dropped, error } = tape;
  at('tape').classList.toggle('is-bad', error !== null);
  at('tape').classList.toggle('is-warning', error === null && dropped > 0);
  say(at('tape'), error !== null ? 'tape: not written' : dropped > 0 ? `tape: ${count(dropped)} missing` : 'tape');
  at('tape').title = [`${file}: ${several(exchanges, 'exchange')}, ${bytes(size)} since tollgate started`, dropped > 0 ? `${count(dropped)} are missing` : '', error ?? ''].filter(Boolean).join('\n');
}

function connection({ state, again, followed }) {
  const lost = state === 'lost';
  document.body.classList.toggle('is-lost', lost);
  if (lost && at('lost').hidden) {
    at('lost').textContent = 'The connection to tollgate is lost. It is tried again. What you see may be old.';
    announce('The connection to tollgate is lost');
    say(at('pulse-text'), 'lost');
  }
  if (!lost && !at('lost').hidden) announce('Connected again');
  at('lost').hidden = !lost;
  if (state === 'open') document.body.classList.remove('is-connecting');
  if (followed) views.exchanges.catchUp({ soon: false });
  if (state === 'open' && again) {
    learn();
    for (const view of Object.values(views)) view.refresh();
  }
}

/** A tollgate that was started anew may be another version. */
async function learn() {
  try {
    await learnOffers();
  } catch {
    // The view says what is wrong.
  }
  document.querySelector('[data-view=exchanges]').hidden = !offers('get', '/api/v1/exchanges') && offers('get', '/api/v1/plugins');
  document.querySelector('[data-view=logs]').hidden = !offers('get', '/api/v1/logs');
  route();
}

views.plugins.onplugins = (plugins) => {
  views.logs.plugins(plugins);
  const bad = plugins.filter((plugin) => tone(plugin) === 'is-bad').length;
  at('trouble').hidden = bad === 0;
  at('trouble').textContent = bad === 0 ? '' : String(bad);
  at('trouble').title = bad === 1 ? 'one plugin has an error' : `${bad} plugins have an error`;
};

addEventListener('hashchange', () => shown && route());
addEventListener('keydown', (event) => {
  if (!shown || event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.('input, textarea, select')) return;
  shown.key(event);
});
at('skip').addEventListener('click', () => main.focus());
views.exchanges.onfilter = (filter) => live.follow(filter);
live.addEventListener('exchanges', ({ detail }) => measured(() => views.exchanges.arrive(detail, live.filter)));
for (const type of ['plugin', 'removed']) live.addEventListener(type, () => views.plugins.refresh());
// More came than this connection took.
live.addEventListener('lost', () => views.exchanges.catchUp());
live.addEventListener('status', ({ detail }) => measured(() => showStatus(detail)));
live.addEventListener('connection', ({ detail }) => connection(detail));

measure();
learn();
views.plugins.refresh();
live.start();
