'use strict';

/**
 * Find and qualify what refers to a function in a CloudFormation value.
 *
 * A value refers to a function by `Ref` (its name), `Fn::GetAtt … Arn`, either of them inside
 * `Fn::Sub` and `Fn::Join`, or by its literal name, which the stack's name often begins
 * (`${AWS::StackName}-hello`). A reference is qualified when a colon and an alias or a version
 * follow it, in whatever piece of text comes next.
 *
 * @typedef {object} Target a function whose references are looked for
 * @property {string} key its name in serverless.yml
 * @property {string} logicalId of the function
 * @property {string|null} name the function's real name; null when CloudFormation makes one up
 * @property {string|null} [inStack] the same by the stack's name: `${AWS::StackName}-hello`
 * @property {{name: string, logicalId: string}|null} alias what references shall go to
 *
 * @typedef {object} Found one reference
 * @property {Target} target
 * @property {string|null} qualifier what followed it ('?' when only CloudFormation knows), or null
 * @property {boolean} moved whether it was qualified here
 * @property {boolean} byName whether the alias is meant by its name, so that CloudFormation does
 *   not see that it has to be there first
 *
 * @typedef {object} Options
 * @property {Target[]} targets
 * @property {boolean} [change] whether to qualify what is not, or only to look
 * @property {boolean} [names] whether a `Ref` has to stay a name (`name:ALIAS`) and not become an ARN
 * @property {boolean} [literals] whether a text that is nothing but the function's name is meant
 * @property {string} [after] what stands behind the value where it is put in
 */

/** Thrown for a reference that is there but cannot be qualified. */
class NotRewritable extends Error {}

const QUALIFIER = /^:(?!\s)(\$LATEST|[A-Za-z0-9_-]+)?/;
const PLACEHOLDER = /\$\{([^!}][^}]*)\}/g;
const STACK_NAME = '${AWS::StackName}';
const OPAQUE = '\0'; // a part that only CloudFormation knows
const UNCLEAR = /^(?:\0|\$\{[^!])/;

/**
 * Walk a value; give it back qualified (or as it was), with what was found on the way.
 *
 * @param {unknown} value
 * @param {Options} options
 * @returns {{value: unknown, found: Found[]}}
 * @throws {NotRewritable} when a reference stands inside a function that takes text apart
 */
function walk(value, options) {
  const found = [];
  const run = { ...options, ...indexOf(options.targets), found, key: '' };
  return { value: visit(value, run, { before: '', after: run.after ?? '', whole: true }), found };
}

const indexes = new WeakMap();

/** What is looked up for every value, made once for a list of functions. */
function indexOf(targets) {
  if (!indexes.has(targets)) {
    const byName = new Map(
      targets.flatMap((target) => spellings(target).map((name) => [name, target])),
    );
    // The longest first, since a name may begin another one.
    const names = [...byName.keys()].sort((one, other) => other.length - one.length).map(escape);
    indexes.set(targets, {
      byId: new Map(targets.map((target) => [target.logicalId, target])),
      byName,
      named: new RegExp(names.length ? names.join('|') : '(?!)'), // most texts name none of them
    });
  }
  return indexes.get(targets);
}

/** Say whether a text holds the name of a function at all. */
function names(text, targets) {
  return typeof text === 'string' && indexOf(targets).named.test(text);
}

const ALONE = Object.freeze({ before: '', after: '', whole: true });

function visit(value, run, place) {
  if (typeof value === 'string') return visitText(value, run, place);
  if (Array.isArray(value)) return value.map((each) => visit(each, run, ALONE));
  if (!isMapping(value)) return value;
  const keys = Object.keys(value);
  if (keys.length !== 1) return visitMapping(value, run);
  if (Object.hasOwn(INTRINSICS, keys[0])) return INTRINSICS[keys[0]](value, run, place);
  return keys[0].startsWith('Fn::') ? visitOpaque(value, run) : visitMapping(value, run);
}

function visitMapping(value, run) {
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, visit(each, { ...run, key }, ALONE)]),
  );
}

const INTRINSICS = {
  Ref: visitRef,
  'Fn::GetAtt': visitGetAtt,
  'Fn::Sub': visitSub,
  'Fn::Join': visitJoin,
  'Fn::If': visitIf,
};

function visitRef(value, run, place) {
  const target = run.byId.get(value.Ref);
  if (!target) return value;
  const byName = !place.whole || Boolean(run.names);
  if (!note(run, target, place.after, byName)) return value;
  if (!byName) return { Ref: target.alias.logicalId };
  return { 'Fn::Join': [':', [{ Ref: target.logicalId }, target.alias.name]] };
}

function visitGetAtt(value, run, place) {
  const [id, attribute] = attributeOf(value['Fn::GetAtt']);
  const target = attribute === 'Arn' ? run.byId.get(id) : undefined;
  return target && note(run, target, place.after, false) ? { Ref: target.alias.logicalId } : value;
}

function visitSub(value, run, place) {
  const given = value['Fn::Sub'];
  const [text, variables] = Array.isArray(given) ? given : [given, null];
  if (typeof text !== 'string') return value;
  const own = { ...variables };
  let result = '';
  let from = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    if (match[0] === STACK_NAME) continue; // a part of the text, for it begins names
    const until = match.index + match[0].length;
    const alone = place.whole && match[0] === text;
    const around = outside(text, from, match.index, place);
    result += visitText(text.slice(from, match.index), run, around);
    result += visitPlaceholder(match, own, run, {
      ...outside(text, match.index, until, place),
      alone,
    });
    from = until;
  }
  result += visitText(text.slice(from), run, outside(text, from, text.length, place));
  return { 'Fn::Sub': variables ? [result, own] : result };
}

/** What stands before and after a part of a text. */
function outside(text, from, until, place) {
  return { before: place.before + text.slice(0, from), after: text.slice(until) + place.after };
}

function visitPlaceholder(match, variables, run, { before, after, alone }) {
  const name = match[1].trim();
  if (Object.hasOwn(variables, name)) {
    variables[name] = visit(variables[name], run, { before, after, whole: alone });
    return match[0];
  }
  const [id, attribute] = attributeOf(name);
  const target = [undefined, 'Arn'].includes(attribute) ? run.byId.get(id) : undefined;
  const byName = attribute === undefined && (!alone || Boolean(run.names));
  if (!target || !note(run, target, after, byName)) return match[0];
  return byName ? `${match[0]}:${target.alias.name}` : `\${${target.alias.logicalId}}`;
}

function visitJoin(value, run, place) {
  const [delimiter, list] = value['Fn::Join'] || [];
  if (typeof delimiter !== 'string' || !Array.isArray(list)) return visitOpaque(value, run);
  const short = inShort(delimiter, list, run);
  if (short) return short;
  const sub = onStackName(delimiter, list);
  if (sub) {
    const seen = run.found.length;
    const changed = visitSub({ 'Fn::Sub': sub }, run, place);
    return run.found.length > seen ? changed : value;
  }
  const texts = list.map(textOf);
  const parts = list.map((each, index) => {
    const earlier = texts.slice(0, index).map((text) => text + delimiter);
    const later = texts.slice(index + 1).map((text) => delimiter + text);
    const around = { before: place.before + earlier.join(''), after: later.join('') + place.after };
    return visit(each, run, { ...around, whole: place.whole && list.length === 1 });
  });
  return { 'Fn::Join': [delimiter, parts] };
}

/** The framework joins a function's ARN and the name of its alias, which is what the alias is. */
function inShort(delimiter, list, run) {
  if (!run.change || delimiter !== ':' || list.length !== 2) return null;
  const [id, attribute] = attributeOf(list[0]?.['Fn::GetAtt']);
  const target = attribute === 'Arn' ? run.byId.get(id) : undefined;
  if (!target?.alias || list[1] !== target.alias.name) return null;
  note(run, target, `:${list[1]}`, false);
  return { Ref: target.alias.logicalId };
}

/** Write a join of texts and pseudo parameters, the stack's name among them, as one text. */
function onStackName(delimiter, list) {
  if (!list.some((each) => each?.Ref === 'AWS::StackName')) return null;
  const texts = list.map((each) => {
    if (typeof each === 'string') return each.replaceAll('${', '${!');
    return /^AWS::/.test(each?.Ref) ? `\${${each.Ref}}` : null;
  });
  return texts.includes(null) ? null : texts.join(delimiter);
}

function visitIf(value, run, place) {
  const [condition, ...branches] = value['Fn::If'];
  return { 'Fn::If': [condition, ...branches.map((each) => visit(each, run, place))] };
}

/** Functions that take text apart: a reference in them cannot be qualified from here. */
function visitOpaque(value, run) {
  const inside = { ...run, change: false, found: [] };
  visitMapping(value, inside);
  const bare = inside.found.filter((each) => each.qualifier === null);
  run.found.push(...bare);
  if (bare.length && run.change)
    throw new NotRewritable(`it stands inside ${Object.keys(value)[0]}`);
  return value;
}

function visitText(text, run, place) {
  if (!run.named.test(text)) return text;
  const named = text.match(new RegExp(run.named, 'g')) ?? [];
  const targets = new Set(named.map((name) => run.byName.get(name)));
  return [...targets].reduce((current, target) => {
    return current.replace(literalOf(target, run, place), (match, offset, all) => {
      const after = all.slice(offset + match.length) + place.after;
      return note(run, target, after, true) ? `${match}:${target.alias.name}` : match;
    });
  }, text);
}

/** Where a text means a function by its name, and not something else of the same name. */
function literalOf(target, run, place) {
  const name = `(?:${spellings(target).map(escape).join('|')})`;
  const ends = '(?![A-Za-z0-9_-])';
  const ways = [`(?<=:function:)${name}${ends}`, `(?<="FunctionName"\\s*:\\s*")${name}${ends}`];
  const alone = (run.literals && !place.before) || /FunctionName$/.test(run.key);
  if (alone || /:function:$/.test(place.before)) ways.push(`^${name}(?=$|:)`);
  return new RegExp(ways.join('|'), 'g');
}

/** The ways to write a function's name in a text. */
function spellings({ name, inStack }) {
  return [name, inStack].filter(Boolean);
}

/** Write a reference down; say whether it is to be changed. */
function note(run, target, after, byName) {
  const match = QUALIFIER.exec(after);
  const moved = !match && Boolean(run.change) && target.alias !== null;
  if (moved && UNCLEAR.test(after))
    throw new NotRewritable('what follows the function is known to CloudFormation only');
  run.found.push({ target, qualifier: match ? match[1] || '?' : null, moved, byName });
  return moved;
}

/** The text of a piece, as far as it is known before the stack is deployed. */
function textOf(piece) {
  if (typeof piece === 'string') return piece;
  const sub = isMapping(piece) ? piece['Fn::Sub'] : undefined;
  const text = Array.isArray(sub) ? sub[0] : sub;
  return typeof text === 'string' ? text : OPAQUE;
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function attributeOf(given) {
  if (Array.isArray(given)) return given;
  if (typeof given !== 'string') return [undefined, undefined];
  const dot = given.indexOf('.');
  return dot < 0 ? [given, undefined] : [given.slice(0, dot), given.slice(dot + 1)];
}

function isMapping(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

module.exports = {
  NotRewritable,
  OPAQUE,
  STACK_NAME,
  attributeOf,
  escape,
  isMapping,
  names,
  spellings,
  walk,
};
