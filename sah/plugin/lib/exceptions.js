'use strict';

/** Say what SAH leaves alone on purpose, and what only a person can finish. */

const { hasEvent } = require('./aliases');

/** @returns {import('./rewrite').Finding[]} */
function describeExceptions({ functions, serverless, config }) {
  if (!config.useActiveAliasInEvents) return [notUsed(config)];
  const isSkillOf = ({ key }) => isSkill(serverless.service.getFunction(key));
  return functions.flatMap((each) => [
    ...leftAlone(each),
    ...(each.alias && each.edge ? [onEdge(each)] : []),
    ...(each.alias && isSkillOf(each) ? [skill(each)] : []),
  ]);
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

module.exports = { describeExceptions };
