'use strict';

// Asks for the newest samples again and again, and shows what comes.

const byId = (id) => document.getElementById(id);
const kTokenKey = 'weir-token', kTimeout = 8000;

const charts = [
  new Chart({ title: 'Requests', unit: 'per second', quiet: true, filled: true, empty: 'No requests', axis: number, value: number,
    series: [{ key: 'requests', name: 'requests/s', look: 'c1' }] }),
  new Chart({ title: 'Errors', unit: 'per second', quiet: true, empty: 'No errors', axis: number, value: number,
    series: [{ key: 'errors_5xx', name: '5xx/s', look: 'c3' }, { key: 'errors_4xx', name: '4xx/s', look: 'c2 d2' }] }),
  new Chart({ title: 'Latency', unit: 'milliseconds', empty: 'No requests', axis: number, value: number,
    series: [{ key: 'p50', name: 'p50', look: 'c1' }, { key: 'p90', name: 'p90', look: 'c2 d2' }, { key: 'p99', name: 'p99', look: 'c3 d3' }] }),
  new Chart({ title: 'Connections', unit: 'now', quiet: true, filled: true, empty: 'No connections', axis: number, value: number,
    series: [{ key: 'connections', name: 'open', look: 'c1' }, { key: 'active', name: 'requests active', look: 'c2 d2' }] }),
];

const state = { samples: [], last: 0, generation: null, uptime: 0, span: 300000, paused: false, timer: null, answered: 0, asking: false };
const topology = new Topology(byId('listeners'), byId('clusters'), byId('wires'));

function storedToken() {
  try { return sessionStorage.getItem(kTokenKey); } catch { return null; }
}

function storeToken(token) {
  try {
    if (token === null) sessionStorage.removeItem(kTokenKey);
    else sessionStorage.setItem(kTokenKey, token);
  } catch { /* a browser that keeps nothing asks again */ }
}

function takeSamples(data) {
  // A process that began anew counts from one again.
  if (data.server.uptime < state.uptime) {
    state.samples = [];
    state.last = 0;
  }
  state.uptime = data.server.uptime;
  const fields = data.samples.fields;
  for (const row of data.samples.rows) {
    if (row[0] <= state.last) continue;
    state.samples.push(Object.fromEntries(fields.map((field, at) => [field, row[at]])));
    state.last = row[0];
  }
  const keep = Math.ceil(data.kept_ms / data.sample_ms);
  if (state.samples.length > keep) state.samples.splice(0, state.samples.length - keep);
}

function showFacts(data) {
  const server = data.server;
  const facts = [['version', data.version], ['up', duration(server.uptime)], ['workers', number(server.workers)],
    ['connections', number(server.connections)], ['memory', bytes(server.memory_resident)]];
  const list = byId('facts');
  if (list.childElementCount !== facts.length)
    list.replaceChildren(...facts.map(([name]) => make('div', {}, make('dt', { text: name }), make('dd'))));
  facts.forEach(([, value], at) => setText(list.children[at].lastChild, value));
  const word = data.state.toLowerCase();
  setText(byId('state'), word);
  byId('state').dataset.state = { live: 'live', draining: 'drain' }[word] || 'wait';
  const left = Object.entries(data.left_off || {}).filter(([, count]) => count > 0).map(([name, count]) => count + ' ' + name);
  setText(byId('left-off'), left.length ? 'Not shown, beyond the limits of this page: ' + left.join(', ') + '.' : '');
  const newest = state.samples[state.samples.length - 1];
  document.title = (newest ? number(newest.requests) + '/s \u00b7 ' : '') + 'weir';
}

function drawCharts(data) {
  state.gap = data ? data.sample_ms * 3.5 : state.gap;
  for (const chart of charts) chart.show(state.samples, state.span, state.gap || 7000);
}

function show(data) {
  byId('ask').hidden = true;
  byId('notice').hidden = true;
  byId('main').hidden = false;
  byId('main').classList.remove('stale');
  takeSamples(data);
  showFacts(data);
  drawCharts(data);
  topology.show(data);
  showPlugins(byId('plugins'), data.plugins);
  state.answered = Date.now();
}

function showLost(why) {
  byId('state').dataset.state = 'lost';
  setText(byId('state'), 'no answer');
  byId('main').classList.add('stale');
  byId('notice').hidden = false;
  const since = state.answered ? ' What stands below is from ' + new Date(state.answered).toLocaleTimeString() + '.' : '';
  setText(byId('notice'), 'Cannot reach Weir: ' + why + '.' + since + ' Trying again every few seconds.');
}

function askForToken(wrong) {
  byId('main').hidden = true;
  byId('notice').hidden = true;
  byId('ask').hidden = false;
  byId('state').dataset.state = 'wait';
  setText(byId('state'), 'locked');
  if (wrong) setText(byId('ask-why'), 'That token was refused. Try another one.');
  byId('token').focus();
}

async function ask() {
  const token = storedToken();
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), kTimeout);
  try {
    const answer = await fetch('dashboard.json?since=' + state.last, { cache: 'no-store', credentials: 'omit', signal: abort.signal,
      headers: token ? { authorization: 'Bearer ' + token } : {} });
    if (answer.status === 401 || answer.status === 403) {
      storeToken(null);
      askForToken(Boolean(token));
      return false;
    }
    if (!answer.ok) throw new Error('it answered ' + answer.status);
    show(await answer.json());
  } catch (error) {
    showLost(abort.signal.aborted ? 'no answer in ' + kTimeout / 1000 + ' s' : error instanceof TypeError ? 'no connection' : error.message);
  } finally {
    clearTimeout(timer);
  }
  return true;
}

async function tick() {
  clearTimeout(state.timer);
  if (state.asking || state.paused || document.hidden) return;
  state.asking = true;
  const again = await ask();
  state.asking = false;
  if (again) state.timer = setTimeout(tick, 2000);
}

for (const chart of charts) byId('charts').append(chart.root);
for (const button of document.querySelectorAll('[data-range]')) {
  button.addEventListener('click', () => {
    state.span = Number(button.dataset.range);
    for (const other of document.querySelectorAll('[data-range]')) setAttribute(other, 'aria-pressed', String(other === button));
    drawCharts(null);
  });
}
byId('pause').addEventListener('click', () => {
  state.paused = !state.paused;
  setAttribute(byId('pause'), 'aria-pressed', String(state.paused));
  setText(byId('pause'), state.paused ? 'Resume' : 'Pause');
  tick();
});
byId('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  storeToken(byId('token').value.trim());
  byId('token').value = '';
  tick();
});
document.addEventListener('visibilitychange', tick);
addEventListener('resize', () => drawCharts(null));
tick();
