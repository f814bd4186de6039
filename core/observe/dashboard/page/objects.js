'use strict';

// Listeners with their routes on the left, clusters with their endpoints on the right, and the
// plugins. Elements are made when the shape of the configuration changes; a tick only changes texts.

function figure(list, name) {
  const value = make('dd', { text: '\u2013' });
  list.append(make('div', {}, make('dt', { text: name }), value));
  return (text, alarm) => {
    setText(value, text);
    value.classList.toggle('alarm', Boolean(alarm));
  };
}

function figures(names) {
  const list = make('dl', { class: 'figures' });
  return [list, names.map((name) => figure(list, name))];
}

function httpFigures() {
  const [list, [requests, p50, p99, errors, active]] = figures(['req/s', 'p50', 'p99', '5xx/s', 'active']);
  return [list, (of) => {
    requests(number(of.requests));
    p50(milliseconds(of.p50));
    p99(milliseconds(of.p99));
    errors(number(of.errors_5xx), of.errors_5xx > 0);
    active(number(of.active));
  }];
}

const protocols = { h1: 'HTTP/1', h2: 'HTTP/2', auto: 'HTTP auto', downstream: "client's HTTP" };

class Topology {
  constructor(listeners, clusters, wires) {
    this.listeners = listeners;
    this.clusters = clusters;
    this.wires = wires;
    this.shape = '';
    this.updates = [];
    this.links = [];     // {from: element, to: cluster name, path}
    this.cards = new Map();
    new ResizeObserver(() => this.drawWires()).observe(wires.parentElement);
  }

  // What decides whether elements must be made anew.
  static shapeOf(data) {
    const of = (endpoints) => endpoints.map((endpoint) => [endpoint.address, endpoint.hostname, endpoint.weight]);
    return JSON.stringify([
      data.listeners.map((l) => [l.name, l.address, l.chains.map((c) => [c.name, c.kind, c.tls, c.codecs, c.filters, c.hosts, c.cluster])]),
      data.clusters.map((c) => [c.name, c.lb_policy, c.protocol, c.tls, of(c.endpoints)])]);
  }

  show(data) {
    const shape = Topology.shapeOf(data);
    if (shape !== this.shape) {
      this.shape = shape;
      this.build(data);
    }
    for (const update of this.updates) update(data);
  }

  build(data) {
    this.updates = [];
    this.links = [];
    this.cards = new Map();
    this.clusters.replaceChildren(...data.clusters.map((cluster, at) => this.clusterCard(cluster, at)));
    this.listeners.replaceChildren(...data.listeners.map((listener, at) => this.listenerCard(listener, at)));
    if (!data.listeners.length) this.listeners.append(make('div', { class: 'card blank', text: 'No listener is configured.' }));
    if (!data.clusters.length) this.clusters.append(make('div', { class: 'card blank', text: 'No cluster is configured.' }));
    this.drawWires();
  }

  listenerCard(listener, at) {
    const connections = make('span', { class: 'note' });
    const badges = new Set();
    for (const chain of listener.chains) {
      if (chain.tls) badges.add('TLS');
      for (const codec of chain.codecs || []) badges.add(protocols[codec] || codec);
      if (!chain.codecs) badges.add(chain.kind);
    }
    const header = make('header', {}, make('h3', { text: listener.name }));
    if (listener.address !== listener.name) header.append(make('span', { class: 'where', text: listener.address }));
    for (const badge of badges) header.append(make('span', { class: 'badge', text: badge }));
    header.append(connections);
    const card = make('article', { class: 'card object', 'data-listener': listener.name }, header);
    this.updates.push((data) => {
      const now = data.listeners[at];
      setText(connections, number(now.connections) + (now.connections === 1 ? ' connection' : ' connections') +
        (now.overflow > 0 ? ', at its limit' : ''));
    });
    listener.chains.forEach((chain, number_) => this.addChain(card, listener, chain, at, number_));
    return card;
  }

  addChain(card, listener, chain, at, number_) {
    if (listener.chains.length > 1) card.append(make('p', { class: 'filters', text: 'filter chain ' + (chain.name || number_ + 1) }));
    if (chain.hosts) {
      const [list, update] = httpFigures();
      card.append(list);
      this.updates.push((data) => update(data.listeners[at].chains[number_]));
    } else if (chain.cluster) {
      const [list, [received, sent]] = figures(['received/s', 'sent/s']);
      card.append(list);
      this.updates.push((data) => {
        received(bytes(data.listeners[at].chains[number_].received || 0));
        sent(bytes(data.listeners[at].chains[number_].sent || 0));
      });
    }
    const filters = make('ol', { class: 'filters', 'aria-label': 'filters' });
    for (const filter of chain.filters)
      filters.append(make('li', {}, make('code', { text: filter.name, class: filter.disabled ? 'off' : null })));
    if (chain.filters.length) card.append(filters);
    const rows = make('ul', { class: 'rows', 'aria-label': 'routes of ' + listener.name });
    const hosts = chain.hosts || [];
    for (const host of hosts) {
      if (hosts.length > 1 || host.domains.join() !== '*') rows.append(make('li', { class: 'host', text: host.domains.join(', ') }));
      for (const route of host.routes) rows.append(this.routeRow(route));
      if (!host.routes.length) rows.append(make('li', { class: 'route', text: 'no routes' }));
    }
    if (chain.cluster) rows.append(this.routeRow({ match: 'all', value: '', action: 'cluster', to: chain.cluster }));
    if (rows.childElementCount) card.append(rows);
  }

  routeRow(route) {
    const kind = { path_separated_prefix: 'prefix/', safe_regex: 'regex' }[route.match] || route.match;
    const forwards = route.action === 'cluster';
    const to = make('span', { class: 'to' });
    if (forwards) to.append(make('a', { href: '#cluster-' + encodeURIComponent(route.to), text: route.to }));
    else to.append(route.action === 'redirect' ? 'redirect ' + route.to : 'answer ' + route.to);
    const row = make('li', { class: 'route', title: route.name || null }, make('span', { class: 'kind', text: kind }),
      make('span', { class: 'value', text: route.value || '\u00a0' }), to);
    if (forwards) {
      const link = { from: row, to: route.to, path: make('svg:path') };
      this.links.push(link);
      this.lightOn(row, (other) => other === link);
    }
    return row;
  }

  clusterCard(cluster, at) {
    const [list, [requests, p50, p99, errors, active]] = figures(['req/s', 'p50', 'p99', '5xx/s', 'active']);
    const trouble = make('p', { class: 'filters trouble', hidden: true });
    const members = make('span', { class: 'note' });
    const header = make('header', {}, make('h3', { text: cluster.name }),
      make('span', { class: 'badge', text: protocols[cluster.protocol] || cluster.protocol }));
    if (cluster.tls) header.append(make('span', { class: 'badge', text: 'TLS' }));
    header.append(make('span', { class: 'note', text: cluster.lb_policy }), members);
    const rows = make('ul', { class: 'rows', 'aria-label': 'endpoints of ' + cluster.name });
    cluster.endpoints.forEach((endpoint, number_) => rows.append(this.endpointRow(endpoint, at, number_)));
    const card = make('article', { class: 'card object', id: 'cluster-' + encodeURIComponent(cluster.name), 'data-cluster': cluster.name },
      header, list, trouble, rows);
    this.cards.set(cluster.name, card);
    this.lightOn(card, (link) => link.to === cluster.name);
    this.updates.push((data) => {
      const now = data.clusters[at];
      requests(number(now.requests));
      p50(milliseconds(now.p50));
      p99(milliseconds(now.p99));
      errors(number(now.errors_5xx), now.errors_5xx > 0);
      active(number(now.active));
      setText(members, now.healthy + ' of ' + now.members + ' healthy');
      const words = [['connect_failures', 'failed connects'], ['timeouts', 'timeouts'], ['retries', 'retries'], ['resets', 'resets'],
        ['overflow', 'overflows']].filter(([key]) => now[key] > 0).map(([key, name]) => number(now[key]) + ' ' + name + '/s');
      if (now.pending > 0) words.push(number(now.pending) + ' waiting for a connection');
      trouble.hidden = !words.length;
      setText(trouble, words.length ? '\u25b2 ' + words.join(' \u00b7 ') : '');
    });
    return card;
  }

  endpointRow(endpoint, at, number_) {
    const health = make('span', { class: 'health' });
    const connections = make('b'), active = make('b');
    const named = endpoint.hostname && !endpoint.address.includes(endpoint.hostname);
    const name = named ? endpoint.address + ' (' + endpoint.hostname + ')' : endpoint.address;
    const numbers = make('span', { class: 'num' }, connections, ' conn \u00b7 ', active, ' active');
    this.updates.push((data) => {
      const now = data.clusters[at].endpoints[number_];
      setText(health, now.state);
      setAttribute(health, 'data-health', now.state);
      numbers.hidden = now.connections === undefined;
      setText(connections, number(now.connections));
      setText(active, number(now.active));
    });
    return make('li', { class: 'endpoint' }, health, make('span', { class: 'name', text: name }),
      endpoint.weight > 1 ? make('span', { class: 'num', text: 'weight ' + endpoint.weight }) : null, numbers);
  }

  // While the pointer or the focus is there, the links that match are shown.
  lightOn(element, matches) {
    const light = (on) => {
      for (const link of this.links) {
        if (!matches(link)) continue;
        link.path.classList.toggle('on', on);
        link.from.classList.toggle('on', on);
        if (on) link.path.parentElement?.append(link.path);
        this.cards.get(link.to)?.classList.toggle('on', on);
      }
    };
    element.addEventListener('pointerenter', () => light(true));
    element.addEventListener('pointerleave', () => light(false));
    element.addEventListener('focusin', () => light(true));
    element.addEventListener('focusout', () => light(false));
  }

  drawWires() {
    const box = this.wires.getBoundingClientRect();
    if (box.width === 0) return;
    setAttribute(this.wires, 'viewBox', '0 0 ' + box.width + ' ' + box.height);
    const paths = [];
    for (const link of this.links) {
      const card = this.cards.get(link.to);
      if (!card) continue;
      const from = link.from.getBoundingClientRect(), to = card.getBoundingClientRect();
      const x1 = from.right - box.left + 1, y1 = from.top - box.top + Math.min(15, from.height / 2);
      const x2 = to.left - box.left - 1, y2 = to.top - box.top + 20;
      const middle = (x1 + x2) / 2;
      setAttribute(link.path, 'd', ['M', x1, y1, 'C', middle, y1, middle, y2, x2, y2].join(' '));
      paths.push(link.path);
    }
    this.wires.replaceChildren(...paths);
  }
}

function showPlugins(root, plugins) {
  const ran = plugins.filter((plugin) => plugin.hooks > 0 || plugin.slow_total > 0);
  ran.sort((a, b) => b.busy_us - a.busy_us || (b.p99 || 0) - (a.p99 || 0) || b.hooks - a.hooks);
  if (!ran.length) {
    root.replaceChildren(make('div', { class: 'blank', text: plugins.length ? 'No hook of a plugin ran in the last 10 s.' : 'No filter of a plugin is configured.' }));
    return;
  }
  const head = make('tr', {}, ...['Plugin', 'hooks/s', 'time', '', 'p50', 'p99', 'slow'].map((name) =>
    make('th', { scope: 'col', text: name, class: { '': 'share', p50: 'less' }[name] || null })));
  const largest = Math.max(...ran.map((plugin) => plugin.busy_us), 1);
  const rows = ran.slice(0, 20).map((plugin) => make('tr', {},
    make('td', { text: plugin.name }), make('td', { text: number(plugin.hooks) }),
    make('td', { text: number(plugin.busy_us / 1e4) + '\u00a0%', title: 'of one processor' }),
    make('td', { class: 'share' }, make('svg:svg', { 'aria-hidden': 'true' }, make('svg:rect', { width: '100%', height: 8, rx: 4 }),
      make('svg:rect', { width: (100 * plugin.busy_us / largest).toFixed(1) + '%', height: 8, rx: 4 }))),
    make('td', { class: 'less', text: microseconds(plugin.p50) }), make('td', { text: microseconds(plugin.p99) }),
    make('td', { text: number(plugin.slow_total) })));
  root.replaceChildren(make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows)));
}
