'use strict';

/**
 * Rename the alias that the framework makes of its own for provisioned concurrency.
 *
 * Scaling policies and the like refer to it by its logical id, and to its name in `function:NAME:provisioned`.
 */

const { escape, spellings } = require('./references');

/**
 * @param {any} part of a template
 * @param {import('./aliases').Function[]} functions
 * @returns {any} the same, or a renamed copy
 */
function renameFormer(part, functions) {
  const renamed = functions.filter((each) => each.former);
  const text = renamed.length ? JSON.stringify(part) : undefined;
  if (text === undefined) return part;
  const changed = renamed.reduce((current, target) => renameOne(current, target), text);
  return changed === text ? part : JSON.parse(changed);
}

function renameOne(text, target) {
  const { logicalId, alias, former } = target;
  const names = spellings(target).map((name) => `(?<![A-Za-z0-9_-])${escape(name)}`);
  const means = [...names, `\\$\\{${logicalId}(?:\\.Arn)?\\}`].join('|');
  return text
    .replace(new RegExp(`\\b${former.logicalId}\\b`, 'g'), alias.logicalId)
    .replace(
      new RegExp(`(?<=${means}):${escape(former.name)}(?![A-Za-z0-9_-])`, 'g'),
      `:${alias.name}`,
    );
}

module.exports = { renameFormer };
