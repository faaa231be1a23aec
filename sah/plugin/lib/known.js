'use strict';

/**
 * What an expression comes to, as far as the template itself says it.
 *
 * Names of functions may be put together from pieces (`Fn::Join`, `Fn::Sub`, `Fn::Select`), or stand
 * in a map. What comes to one text in every case may be written out; what may be one text or
 * another, and what a parameter decides, is only reported.
 *
 * A text is written as in `Fn::Sub`: `${AWS::Region}` is a pseudo parameter, `${!` a dollar and a
 * brace. Parts that nobody knows are a NUL character.
 *
 * @typedef {object} Reading
 * @property {(string|string[])[]} values what it may come to, at most MANY of them; a list is an array
 * @property {boolean} fixed whether it is the first of them in every case
 */

const { OPAQUE, isMapping, names, walk } = require('./references');

const MANY = 50;
const UNKNOWN = Object.freeze({ values: [OPAQUE], fixed: false });
const PLACEHOLDER = /\$\{([^!}][^}]*)\}/g;

class Known {
  /**
   * @param {any} template
   * @param {Record<string, string>} [given] values of parameters that the deploy passes
   */
  constructor({ Mappings: maps, Parameters: parameters }, given = {}) {
    this.maps = maps ?? {};
    this.parameters = parameters ?? {};
    this.given = given;
    this.readings = new WeakMap(); // an expression is asked for by itself and by all that hold it
  }

  /** @returns {Reading} */
  read(value) {
    if (Array.isArray(value)) return product(value.map((each) => this.read(each)));
    if (!isMapping(value)) return fixed([String(value).replaceAll('${', '${!')]);
    if (!this.readings.has(value)) this.readings.set(value, this.readAnew(value));
    return this.readings.get(value);
  }

  readAnew(value) {
    if (!isExpression(value)) return UNKNOWN;
    const [[key, inner]] = Object.entries(value);
    return READERS[key](this, inner) ?? UNKNOWN;
  }

  parameter(name) {
    if (name === 'AWS::NoValue') return UNKNOWN;
    if (name.startsWith('AWS::')) return fixed([`\${${name}}`]);
    if (!Object.hasOwn(this.parameters, name)) return UNKNOWN;
    const {
      Type: type,
      Default: preset,
      AllowedValues: allowed = [],
    } = this.parameters[name] ?? {};
    const texts = [this.given[name], preset, ...allowed].filter((each) => each !== undefined);
    const isList = /^(CommaDelimitedList|List<)/.test(type);
    const values = texts.map((each) => (isList ? String(each).split(/\s*,\s*/) : String(each)));
    return { values: values.length ? values : [OPAQUE], fixed: false };
  }

  /** Everything below a map at keys of which some are not known. */
  entries(keys) {
    const found = keys.reduce(
      (levels, key) => {
        const { values, fixed: isFixed } = this.read(key);
        const only = isFixed && !String(values[0]).includes('${') ? String(values[0]) : null;
        return levels.filter(isMapping).flatMap((level) => {
          if (only === null) return Object.values(level);
          return Object.hasOwn(level, only) ? [level[only]] : [];
        });
      },
      [this.maps],
    );
    return either(found.map((each) => this.read(each)));
  }
}

const READERS = {
  Ref: (known, name) => (typeof name === 'string' ? known.parameter(name) : null),
  'Fn::FindInMap': (known, given) => {
    if (!Array.isArray(given) || given.length < 3) return null;
    const [map, first, second, more] = given;
    const found = known.entries([map, first, second]);
    const other = isMapping(more) && 'DefaultValue' in more ? [known.read(more.DefaultValue)] : [];
    return either([...(found === UNKNOWN ? [] : [found]), ...other]);
  },
  'Fn::If': (known, given) =>
    Array.isArray(given) ? either(given.slice(1).map((each) => known.read(each))) : null,
  'Fn::Join': (known, given) => {
    if (!Array.isArray(given) || typeof given[0] !== 'string') return null;
    return map(known.read(given[1]), (list) =>
      Array.isArray(list) ? list.join(given[0]) : OPAQUE,
    );
  },
  'Fn::Select': (known, given) => {
    if (!Array.isArray(given) || !/^\d+$/.test(String(given[0]))) return null;
    return map(known.read(given[1]), (list) => (Array.isArray(list) && list[given[0]]) || OPAQUE);
  },
  'Fn::Split': (known, given) => {
    if (!Array.isArray(given) || typeof given[0] !== 'string' || !given[0]) return null;
    return map(known.read(given[1]), (text) => String(text).split(given[0]));
  },
  'Fn::Sub': (known, given) => {
    const [text, own] = Array.isArray(given) ? given : [given, {}];
    if (typeof text !== 'string') return null;
    const placeholders = [
      ...new Set([...text.matchAll(PLACEHOLDER)].map((each) => each[1].trim())),
    ];
    const readings = placeholders.map((name) =>
      Object.hasOwn(own ?? {}, name) ? known.read(own[name]) : known.parameter(name),
    );
    return map(product(readings), (list) =>
      text.replace(PLACEHOLDER, (_, name) => String(list[placeholders.indexOf(name.trim())])),
    );
  },
};

function fixed(values) {
  return { values, fixed: true };
}

function map(reading, change) {
  return { ...reading, values: reading.values.map((each) => change(each)) };
}

/** One of several readings; when all say the same, that. */
function either(readings) {
  const values = readings.flatMap((each) => each.values);
  const texts = [...new Map(values.map((each) => [JSON.stringify(each), each])).values()];
  if (!texts.length) return UNKNOWN;
  return {
    values: texts.slice(0, MANY),
    fixed: texts.length === 1 && readings.every((each) => each.fixed),
  };
}

/** All lists that have one value of each reading. */
function product(readings) {
  let lists = [[]];
  for (const { values } of readings) {
    lists = lists.flatMap((list) => values.map((each) => [...list, each])).slice(0, MANY);
  }
  return { values: lists, fixed: readings.every((each) => each.fixed) };
}

/**
 * Write out the names of functions that are put together in the template itself.
 *
 * @param {any} value
 * @param {Known} known
 * @param {import('./references').Target[]} targets
 * @returns {any} the same, or a copy that means the same
 */
function writeOut(value, known, targets) {
  if (Array.isArray(value)) return mapSame(value, (each) => writeOut(each, known, targets));
  if (!isMapping(value)) return value;
  const text = isExpression(value) ? nameIn(value, known, targets) : null;
  if (text !== null) return text.includes('${AWS::') ? { 'Fn::Sub': text } : plain(text);
  return mapValues(value, (each) => writeOut(each, known, targets));
}

function plain(text) {
  return text.replaceAll('${!', '${');
}

/** The one text that an expression comes to, when it names a function and hides it. */
function nameIn(value, known, targets) {
  const { values, fixed: isFixed } = known.read(value);
  const [text] = values;
  if (!isFixed || typeof text !== 'string' || text.includes(OPAQUE)) return null;
  const options = { targets, literals: true };
  return meant(text, options).length && !walk(value, options).found.length ? text : null;
}

/**
 * Find the functions that a value may mean, when it depends on what only CloudFormation knows.
 *
 * @param {any} value
 * @param {Known} known
 * @param {import('./references').Options} options
 * @returns {{target: import('./references').Target, by: string}[]} `by` names what decides
 */
function mayMean(value, known, options) {
  if (Array.isArray(value)) return value.flatMap((each) => mayMean(each, known, options));
  if (!isMapping(value)) return [];
  if (isExpression(value)) {
    const texts = known.read(value).values.flat();
    const found = texts.flatMap((text) => meant(text, options)).filter((each) => !each.qualifier);
    const once = [...new Set(found.map((each) => each.target))];
    if (once.length && !walk(value, options).found.length)
      return once.map((target) => ({ target, by: decidersOf(value, known) }));
  }
  return Object.values(value).flatMap((each) => mayMean(each, known, options));
}

/** The functions that a text names. */
function meant(text, options) {
  return names(text, options.targets) ? walk({ 'Fn::Sub': text }, options).found : [];
}

function decidersOf(value, known) {
  const found = new Set();
  const look = (each) => {
    if (Array.isArray(each)) each.forEach(look);
    if (!isMapping(each)) return;
    if (Object.hasOwn(known.parameters, each.Ref)) found.add(`the parameter ${each.Ref}`);
    if (typeof each['Fn::FindInMap']?.[0] === 'string')
      found.add(`the map ${each['Fn::FindInMap'][0]}`);
    const sub = [each['Fn::Sub']].flat()[0];
    for (const [, name] of typeof sub === 'string' ? sub.matchAll(PLACEHOLDER) : [])
      if (Object.hasOwn(known.parameters, name)) found.add(`the parameter ${name}`);
    Object.values(each).forEach(look);
  };
  look(value);
  return [...found].join(' and ') || 'a condition';
}

function isExpression(value) {
  const keys = Object.keys(value);
  return keys.length === 1 && Object.hasOwn(READERS, keys[0]);
}

function mapValues(value, change) {
  const entries = Object.entries(value);
  const changed = entries.map(([key, each]) => [key, change(each)]);
  return changed.every(([, each], index) => each === entries[index][1])
    ? value
    : Object.fromEntries(changed);
}

function mapSame(list, change) {
  const changed = list.map(change);
  return changed.every((each, index) => each === list[index]) ? list : changed;
}

module.exports = { Known, mayMean, writeOut };
