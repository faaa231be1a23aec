'use strict';

/**
 * `makeLambdasActive: false`: publish, but leave the alias where it is.
 *
 * In CloudFormation an alias always says its version, so the version that it serves now is written
 * into the template, with its weights. Lambda is asked for it, since only Lambda knows where SAH
 * has moved an alias to: while packaging, and again when the deploy begins.
 *
 * @typedef {object} Pins what became of the aliases
 * @property {string[]} kept functions whose alias stays
 * @property {string[]} made functions that have no alias yet, so that it begins on the new version
 */

const { findVersions } = require('./aliases');
const { isNotFound, mapBounded } = require('./aws');

/** Stands in the template while nobody knows; CloudFormation refuses it, and so moves nothing. */
const UNKNOWN = 'unknown-until-deploy';

class AliasUnknown extends Error {}

/**
 * Write where each active alias is into the template.
 *
 * @param {any} template changed in place
 * @param {string} aliasName
 * @param {(params: {FunctionName: string, Name: string}) => Promise<any>} getAlias
 * @returns {Promise<Pins>}
 * @throws {AliasUnknown} when Lambda does not answer; the template is then not deployable
 */
async function pinAliases(template, aliasName, getAlias) {
  const found = activeAliases(template.Resources, aliasName);
  const answers = await mapBounded(found, ({ functionName }) =>
    find(getAlias, functionName, aliasName),
  );
  const pins = { kept: [], made: [] };
  let failure = null;
  found.forEach(({ resource, functionId, functionName }, index) => {
    const { alias, error } = answers[index];
    failure ??= error ? { functionName, error } : null;
    resource.Properties = {
      ...resource.Properties,
      ...placeOf(alias, error, template.Resources, functionId),
    };
    if (!error) pins[alias ? 'kept' : 'made'].push(functionName);
  });
  if (failure) {
    throw new AliasUnknown(
      `Lambda did not say where ${failure.functionName}:${aliasName} is (${failure.error.message})`,
    );
  }
  return pins;
}

function activeAliases(resources, aliasName) {
  return Object.values(resources).flatMap((resource) => {
    if (resource?.Type !== 'AWS::Lambda::Alias' || resource.Properties?.Name !== aliasName)
      return [];
    const [functionId] = resource.Properties.FunctionName?.['Fn::GetAtt'] ?? [];
    const functionName = resources[functionId]?.Properties?.FunctionName;
    return typeof functionName === 'string' ? [{ resource, functionId, functionName }] : [];
  });
}

async function find(getAlias, functionName, aliasName) {
  try {
    return { alias: await getAlias({ FunctionName: functionName, Name: aliasName }) };
  } catch (error) {
    return isNotFound(error) ? { alias: null } : { error };
  }
}

function placeOf(alias, error, resources, functionId) {
  if (error) return { FunctionVersion: UNKNOWN, RoutingConfig: undefined };
  if (!alias) {
    const versionId = findVersions(resources).get(functionId);
    return { FunctionVersion: { 'Fn::GetAtt': [versionId, 'Version'] }, RoutingConfig: undefined };
  }
  const weights = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {});
  const listed = weights.map(([FunctionVersion, FunctionWeight]) => ({
    FunctionVersion,
    FunctionWeight,
  }));
  return {
    FunctionVersion: alias.FunctionVersion,
    RoutingConfig: listed.length ? { AdditionalVersionWeights: listed } : undefined,
  };
}

module.exports = { AliasUnknown, UNKNOWN, pinAliases };
