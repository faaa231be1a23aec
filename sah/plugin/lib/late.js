'use strict';

/**
 * See what plugins that act later than this one put into the template.
 *
 * It is too late to rewrite that: another plugin may rely on what it made. But nothing shall stay
 * on $LATEST silently.
 */

const { rewrite } = require('./rewrite');

const NESTED = 'AWS::CloudFormation::Stack';

/** Remember how each resource of a template is. */
function printAll({ Resources: resources }) {
  return new Map(Object.entries(resources).map(([id, each]) => [id, print(each)]));
}

/** The framework takes what is null out at the end. */
function print(resource) {
  const text = JSON.stringify(resource);
  if (!text?.includes('null')) return text; // nearly all, and this is several times as fast
  return JSON.stringify(resource, (_, value) => (value === null ? undefined : value));
}

/**
 * Look at what was added or changed since.
 *
 * @param {any} template
 * @param {Map<string, string>} seen what `printAll` gave
 * @param {import('./aliases').Function[]} functions
 * @param {Record<string, string>} [parameters] what the deploy passes to the template
 * @returns {import('./rewrite').Finding[]}
 */
function findLate(template, seen, functions, parameters) {
  const changed = Object.entries(template.Resources).filter(
    ([id, each]) => seen.get(id) !== print(each),
  );
  const targets = functions.filter((each) => each.alias);
  const look = (part) => {
    const Resources = Object.fromEntries(part);
    return rewrite({ ...template, Outputs: {}, Resources }, targets, false, parameters);
  };
  const nested = look(changed.filter(([, each]) => each?.Type === NESTED));
  const others = look(changed.filter(([, each]) => each?.Type !== NESTED));
  return [
    ...nested.map(({ text }) => ({
      level: /** @type {const} */ ('note'),
      text: `${text} ${INSIDE}`,
    })),
    ...others.map(({ level, text }) => ({ level, text: `${text} ${AFTER}` })),
  ];
}

const INSIDE = 'Another plugin made that stack, and what is inside of it was not looked at.';
const AFTER =
  'A plugin that acts later than sah-plugin made or changed it; list sah-plugin after that one.';

module.exports = { findLate, printAll };
