'use strict';

// Elements and numbers. What stands in the answers is text to this page, never markup: it only
// ever becomes a text node or an attribute that holds text.

function make(tag, attributes, ...children) {
  const svg = tag.startsWith('svg:');
  const node = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === 'text') node.textContent = value;
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children) if (child) node.append(child);
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// Three digits that count: 0.42, 9.1, 87, 1.2k, 3.4M.
function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '\u2013';
  if (value === 0) return '0';
  if (value < 0.01) return '<0.01';
  if (value < 1) return String(Math.round(value * 100) / 100);
  if (value < 10) return String(Math.round(value * 10) / 10);
  if (value < 1000) return String(Math.round(value));
  for (const [size, letter] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (value >= size) return (value / size).toFixed(value < 10 * size ? 1 : 0) + letter;
  }
  return String(value);
}

function bytes(value) {
  let at = 0;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    ++at;
  }
  return (value < 10 && at > 0 ? value.toFixed(1) : String(Math.round(value))) + '\u00a0' + units[at];
}

function milliseconds(value) {
  if (value === null || value === undefined) return '\u2013';
  return value >= 1000 ? number(value / 1000) + '\u00a0s' : number(value) + '\u00a0ms';
}

function microseconds(value) {
  if (value === null || value === undefined) return '\u2013';
  return value >= 1000 ? milliseconds(value / 1000) : number(value) + '\u00a0\u00b5s';
}

function duration(seconds) {
  const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days) return days + 'd\u00a0' + hours + 'h';
  if (hours) return hours + 'h\u00a0' + minutes + 'm';
  if (minutes) return minutes + 'm\u00a0' + seconds % 60 + 's';
  return seconds + 's';
}

function ago(milliseconds_) {
  const seconds = Math.round(milliseconds_ / 1000);
  if (seconds === 0) return 'now';
  return seconds % 60 === 0 ? '\u2212' + seconds / 60 + ' min' : '\u2212' + (seconds >= 60 ? Math.floor(seconds / 60) + ' min ' : '') + seconds % 60 + ' s';
}
