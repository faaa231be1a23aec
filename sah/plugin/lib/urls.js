'use strict';

/**
 * Function URLs that a deploy gives another address.
 *
 * A URL belongs to a function or to one of its aliases, and AWS makes the address up. So the
 * deploy that brings the plugin replaces it; whoever calls the old one should know before.
 */

const { mapBounded } = require('./aws');

/**
 * Find the functions whose URL is not on the alias yet. Who may not ask is told nothing.
 *
 * @param {import('./aliases').Function[]} functions
 * @param {(key: string) => any} definitionOf what stands in serverless.yml
 * @param {(params: {FunctionName: string}) => Promise<any>} getUrl of a function without qualifier
 * @returns {Promise<{key: string, url: string}[]>}
 */
async function findMovingUrls(functions, definitionOf, getUrl) {
  const asked = functions.filter(({ key, alias }) => alias && definitionOf(key)?.url);
  const answers = await mapBounded(asked, ({ key, name }) =>
    getUrl({ FunctionName: name }).then(
      (answer) => ({ key, url: answer?.FunctionUrl }),
      () => ({ key, url: undefined }),
    ),
  );
  return answers.filter(({ url }) => url);
}

module.exports = { findMovingUrls };
