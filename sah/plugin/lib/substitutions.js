'use strict';

/** What a state machine's definition puts behind its substitutions: `${hello}:$LATEST`. */

const { NotRewritable, escape, isMapping, walk } = require('./references');

/**
 * Qualify the functions among the substitutions, but for those that the definition qualifies.
 *
 * @param {any} given the substitutions
 * @param {any} properties of the state machine
 * @param {import('./references').Options} options
 * @returns {{value: any, found: import('./references').Found[]}}
 * @throws {NotRewritable} when the definition does both with one substitution
 */
function walkSubstitutions(given, properties, options) {
  const all = { ...options, names: true, literals: true };
  if (!isMapping(given) || Object.keys(given).some((key) => key.startsWith('Fn::')))
    return walk(given, all);
  const text = JSON.stringify([properties.DefinitionString, properties.Definition]);
  const results = Object.entries(given).map(([key, value]) => {
    const { found } = walk(value, { ...all, change: false });
    if (!found.length) return { key, value, found };
    return { key, ...walk(value, { ...all, after: followingOf(key, text) }) };
  });
  return {
    value: Object.fromEntries(results.map(({ key, value }) => [key, value])),
    found: results.flatMap(({ found }) => found),
  };
}

/** What follows a substitution wherever it is used; in Fn::Sub it is escaped. */
function followingOf(key, text) {
  const uses = text.matchAll(new RegExp(`\\$\\{!?${escape(key)}\\}(:(?!\\s)[^"\\\\\\s]*)?`, 'g'));
  const following = [...new Set(Array.from(uses, ([, qualifier]) => qualifier ?? ''))];
  if (following.length > 1)
    throw new NotRewritable(`the definition uses \${${key}} with different qualifiers`);
  return following[0] ?? '';
}

module.exports = { walkSubstitutions };
