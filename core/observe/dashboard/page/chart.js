'use strict';

// Lines over time, drawn as SVG. Each series has a colour, a dash of its own and its value in the
// legend; the pointer or the arrow keys move one cursor through all charts.

const margin = { left: 40, right: 8, top: 8, bottom: 18 };
const cursor = { at: null, charts: [] };  // at: unix_ms

function moveCursor(at) {
  cursor.at = at;
  for (const chart of cursor.charts) chart.draw();
}

// A bound of the axis with few digits, and how many steps it has.
function axisTop(largest) {
  if (!(largest > 0)) return { top: 1, steps: 2 };
  const size = Math.pow(10, Math.floor(Math.log10(largest)));
  for (const [factor, steps] of [[1, 2], [2, 2], [3, 3], [4, 2], [5, 2], [6, 3], [8, 2], [10, 2]]) {
    if (largest <= factor * size * 1.0001) return { top: factor * size, steps };
  }
  return { top: 10 * size, steps: 2 };
}

class Chart {
  // series: [{key, name, look}]; look: the classes of its colour and dash. axis, value: how a number
  // is written there.
  constructor(options) {
    this.options = options;
    this.rows = [];
    this.span = 300000;
    this.gap = 7000;
    this.values = options.series.map(() => make('b', { text: '\u2013' }));
    const legend = make('div', { class: 'legend' });
    options.series.forEach((series, at) => {
      const glyph = make('svg:svg', { width: 18, height: 6, 'aria-hidden': 'true' },
        make('svg:line', { x1: 0, x2: 18, y1: 3, y2: 3, class: series.look }));
      legend.append(make('span', {}, glyph, this.values[at], document.createTextNode(series.name)));
    });
    this.when = make('span', { class: 'unit', text: options.unit });
    this.plot = make('svg:svg', { class: 'plot', tabindex: '0', role: 'img' });
    this.root = make('div', { class: 'card chart' }, make('h3', {}, make('span', { text: options.title }), this.when),
      legend, this.plot);
    this.listen();
    cursor.charts.push(this);
  }

  listen() {
    this.plot.addEventListener('pointermove', (event) => {
      const box = this.plot.getBoundingClientRect();
      moveCursor(this.timeAt(event.clientX - box.left));
    });
    this.plot.addEventListener('pointerleave', () => moveCursor(null));
    this.plot.addEventListener('blur', () => moveCursor(null));
    this.plot.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -15, PageDown: 15, Home: -1e6, End: 1e6 }[event.key];
      if (event.key === 'Escape') moveCursor(null);
      if (step === undefined || this.rows.length === 0) return;
      event.preventDefault();
      const from = cursor.at === null ? this.rows.length - (step < 0 ? 0 : 1) : this.rows.indexOf(this.nearest(cursor.at));
      const to = Math.max(0, Math.min(this.rows.length - 1, from + step));
      moveCursor(this.rows[to].unix_ms);
    });
  }

  // What of the samples falls into the time shown. The axis ends with the newest one.
  show(rows, span, gap) {
    this.span = span;
    this.gap = gap;
    this.end = rows.length ? rows[rows.length - 1].unix_ms : 0;
    this.rows = rows.filter((row) => row.unix_ms >= this.end - span);
    this.draw();
  }

  timeAt(x) {
    const inner = this.width - margin.left - margin.right;
    return this.end - this.span + (x - margin.left) / inner * this.span;
  }

  nearest(time) {
    let best = this.rows[0];
    for (const row of this.rows) if (Math.abs(row.unix_ms - time) < Math.abs(best.unix_ms - time)) best = row;
    return best;
  }

  x(time) {
    return margin.left + (this.width - margin.left - margin.right) * (1 - (this.end - time) / this.span);
  }

  y(value) {
    return this.height - margin.bottom - (this.height - margin.top - margin.bottom) * value / this.top;
  }

  draw() {
    const box = this.plot.getBoundingClientRect();
    if (box.width === 0) return;
    this.width = box.width;
    this.height = box.height;
    setAttribute(this.plot, 'viewBox', '0 0 ' + this.width + ' ' + this.height);
    const keys = this.options.series.map((series) => series.key);
    let largest = 0;
    for (const row of this.rows) for (const key of keys) largest = Math.max(largest, row[key] || 0);
    const axis = axisTop(largest);
    this.top = axis.top;
    const parts = [];
    this.drawAxes(axis, parts);
    const empty = !this.rows.some((row) => keys.some((key) => row[key] !== null && (!this.options.quiet || row[key] > 0)));
    if (empty) {
      parts.push(make('svg:text', { class: 'empty', x: (this.width + margin.left) / 2, y: this.height / 2, 'text-anchor': 'middle',
        text: this.rows.length ? this.options.empty : 'Waiting for the first sample' }));
    } else {
      if (this.options.filled) parts.push(make('svg:path', { class: 'area', d: this.areas(keys[0]) }));
      for (let at = keys.length; at-- > 0;)
        parts.push(make('svg:path', { class: 'line ' + this.options.series[at].look, d: this.lines(keys[at]) }));
    }
    const row = this.rows.length ? (cursor.at === null ? this.rows[this.rows.length - 1] : this.nearest(cursor.at)) : null;
    if (row && cursor.at !== null) this.drawCursor(row, keys, parts);
    this.plot.replaceChildren(...parts);
    this.tell(row, keys, largest);
  }

  drawAxes(axis, parts) {
    for (let step = 0; step <= axis.steps; ++step) {
      const value = axis.top * step / axis.steps, y = Math.round(this.y(value)) + 0.5;
      parts.push(make('svg:line', { class: 'grid', x1: margin.left, x2: this.width - margin.right, y1: y, y2: y }));
      parts.push(make('svg:text', { x: margin.left - 6, y: y + 4, 'text-anchor': 'end', text: this.options.axis(value) }));
    }
    const marks = this.width < 250 ? [1, 0] : [1, 0.5, 0];
    for (const mark of marks) {
      const x = this.width - margin.right - (this.width - margin.left - margin.right) * mark;
      parts.push(make('svg:text', { x, y: this.height - 4, text: ago(this.span * mark),
        'text-anchor': mark === 1 ? 'start' : mark === 0 ? 'end' : 'middle' }));
    }
  }

  // Runs of samples that have a value and follow each other.
  runs(key) {
    const runs = [];
    let run = null, last = 0;
    for (const row of this.rows) {
      const value = row[key];
      if (value === null || (run && row.unix_ms - last > this.gap)) run = null;
      if (value === null) continue;
      if (!run) runs.push(run = []);
      run.push([this.x(row.unix_ms).toFixed(1), this.y(value).toFixed(1)]);
      last = row.unix_ms;
    }
    return runs;
  }

  lines(key) {
    // A run of one sample is a point: the round ends of a line without length.
    return this.runs(key).map((run) => 'M' + run.map((point) => point.join(' ')).join('L') + (run.length === 1 ? 'h0.1' : '')).join('');
  }

  areas(key) {
    const floor = this.y(0).toFixed(1);
    return this.runs(key).map((run) => 'M' + run[0][0] + ' ' + floor + 'L' + run.map((point) => point.join(' ')).join('L') +
      'L' + run[run.length - 1][0] + ' ' + floor + 'Z').join('');
  }

  drawCursor(row, keys, parts) {
    const x = this.x(row.unix_ms);
    parts.push(make('svg:line', { class: 'cursor', x1: x, x2: x, y1: margin.top, y2: this.height - margin.bottom }));
    keys.forEach((key, at) => {
      if (row[key] !== null) parts.push(make('svg:circle', { class: 'dot ' + this.options.series[at].look, cx: x, cy: this.y(row[key]), r: 3.5 }));
    });
  }

  tell(row, keys, largest) {
    keys.forEach((key, at) => setText(this.values[at], row ? this.options.value(row[key]) : '\u2013'));
    setText(this.when, row && cursor.at !== null ? new Date(row.unix_ms).toLocaleTimeString() : this.options.unit);
    const said = this.options.series.map((series, at) => series.name + ' ' + this.values[at].textContent).join(', ');
    setAttribute(this.plot, 'aria-label', this.options.title + ', ' + this.when.textContent + ': ' + said + '. Highest shown: ' +
      this.options.value(largest) + '. Arrow keys move through time.');
  }
}
