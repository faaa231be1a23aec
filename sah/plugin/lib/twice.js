'use strict';

/**
 * Find aliases of the same name that something else makes of the same function.
 *
 * Lambda refuses the second one, and CloudFormation then takes the whole deploy back.
 */

const { aliasLogicalId } = require('./aliases');
const { Known } = require('./known');
const { walk } = require('./references');

/**
 * @param {any} template
 * @param {import('./aliases').Function[]} functions
 * @param {readonly string[]} extraNames
 * @param {Record<string, string>} [parameters] what the deploy passes to the template
 * @returns {{text: string, sure: boolean}[]} `sure` unless a condition or a parameter decides
 */
function findTwice(template, functions, extraNames, parameters) {
  const targets = functions.filter((each) => each.alias);
  const known = new Known(template, parameters);
  const ours = new Set(
    targets.flatMap(({ logicalId, alias }) => [
      alias.logicalId,
      ...extraNames.map((name) => aliasLogicalId(logicalId, name)),
    ]),
  );
  return Object.entries(template.Resources)
    .filter(([id, each]) => each?.Type === 'AWS::Lambda::Alias' && !ours.has(id))
    .flatMap(([id, { Properties: properties, Condition: condition }]) => {
      const [one] = walk(properties?.FunctionName, { targets, literals: true }).found;
      if (!one) return [];
      const { values, fixed } = known.read(properties.Name);
      const { key, alias } = one.target;
      const name = [alias.name, ...extraNames].find((each) => values.includes(each));
      if (!name) return [];
      const sure = fixed && !condition;
      return [{ text: textOf(id, key, name, name === alias.name, sure), sure }];
    });
}

function textOf(id, key, name, isActive, sure) {
  const setting = isActive
    ? 'another custom.sah.activeAliasName'
    : 'another name in custom.sah.aliases';
  return (
    `${id} ${sure ? 'makes' : 'may make'} the alias ${name} of ${key} as well, and a function has an ` +
    `alias of a name only once: take ${id} out, in a deploy of its own when it is in the stack ` +
    `already, or choose ${setting}.`
  );
}

module.exports = { findTwice };
