'use strict';

/** Say what SAH leaves alone on purpose, and what only a person can finish. */

const { hasEvent } = require('./aliases');
const { walk } = require('./references');

/** @returns {import('./rewrite').Finding[]} */
function describeExceptions({ functions, serverless, config, template }) {
  if (!config.useActiveAliasInEvents) return [notUsed(config)];
  const isSkillOf = ({ key }) => isSkill(serverless.service.getFunction(key));
  const single = functions.flatMap((each) => [
    ...leftAlone(each),
    ...(each.alias && each.edge ? [onEdge(each)] : []),
    ...(each.alias && isSkillOf(each) ? [skill(each)] : []),
  ]);
  return [...single, ...twoAliases(functions, template.Resources)];
}

function notUsed(config) {
  const text =
    `useActiveAliasInEvents is false: the alias ${config.activeAliasName} is made, ` +
    'but every trigger stays where the framework puts it, so moving the alias rolls nothing back.';
  return { level: 'left', text };
}

function leftAlone({ key, left, triggers, edge, other }) {
  if (!left || (other && !triggers)) return [];
  const what = triggers?.length ? ` Its triggers run $LATEST: ${triggers.join(', ')}.` : '';
  return [
    { level: edge && !triggers ? 'note' : 'left', text: `${key} gets no alias: ${left}.${what}` },
  ];
}

function onEdge({ key }) {
  return {
    level: 'note',
    text: `CloudFront serves a version of ${key}, never its alias; its other triggers are on the alias.`,
  };
}

function isSkill(definition) {
  return hasEvent(definition, 'alexaSkill') || hasEvent(definition, 'alexaSmartHome');
}

function skill({ key, name, alias }) {
  const text =
    `The Alexa skill of ${key} is not in this stack, and only the alias may be called: put the ` +
    `ARN of ${name}:${alias.name} into the skill's endpoint.`;
  return { level: 'note', text };
}

/** Find aliases of the same name that the user made. */
function twoAliases(functions, resources) {
  const ours = functions.filter((each) => each.alias);
  const made = new Set(ours.map((each) => each.alias.logicalId));
  return Object.entries(resources)
    .filter(([id, each]) => each?.Type === 'AWS::Lambda::Alias' && !made.has(id))
    .flatMap(([id, { Properties: properties }]) => {
      const { found } = walk(properties?.FunctionName, { targets: ours, literals: true });
      const target = found[0]?.target;
      if (!target || plain(properties.Name) !== target.alias.name) return [];
      const text =
        `${id} makes the alias ${target.alias.name} of ${target.key} as well; remove it ` +
        'from the stack first, or the deploy will fail.';
      return [{ level: 'left', text }];
    });
}

/** The text of a name, which may be written as a substitution without any. */
function plain(name) {
  return [name?.['Fn::Sub'] ?? name].flat()[0];
}

module.exports = { describeExceptions };
