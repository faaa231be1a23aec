'use strict';

/** Let IAM policies that allow a function to be invoked allow its alias too. */

const { changeAt } = require('./kinds');
const { walk } = require('./references');

const INVOKING = ['lambda:invokefunction', 'lambda:invokeasync', 'lambda:invokefunctionurl'];
const STATEMENTS = [
  ['PolicyDocument', 'Statement'],
  ['Policies', '*', 'PolicyDocument', 'Statement'],
];

/**
 * Add the alias to what a policy allows; what it allows already stays.
 *
 * @param {any} properties of an IAM resource
 * @param {import('./references').Target[]} targets
 * @returns {any} the properties, with the aliases
 */
function extendPolicies(properties, targets) {
  const extend = (given) =>
    Array.isArray(given)
      ? given.map((each) => extendStatement(each, targets))
      : extendStatement(given, targets);
  return STATEMENTS.reduce((value, path) => changeAt(value, path, extend), properties);
}

function extendStatement(statement, targets) {
  if (!statement?.Resource || ![statement.Action ?? []].flat().some(invokes)) return statement;
  const listed = [statement.Resource].flat();
  const known = new Set(listed.map((each) => JSON.stringify(each)));
  const added = listed
    .map((each) => walk(each, { targets, change: true }))
    .filter(
      ({ value, found }) => found.some((each) => each.moved) && !known.has(JSON.stringify(value)),
    )
    .map(({ value }) => value);
  return added.length ? { ...statement, Resource: [...listed, ...added] } : statement;
}

/** Say whether an action's pattern covers an invocation. */
function invokes(action) {
  if (typeof action !== 'string') return false;
  const source = action
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  const pattern = new RegExp(`^${source}$`, 'i');
  return INVOKING.some((each) => pattern.test(each));
}

module.exports = { extendPolicies };
