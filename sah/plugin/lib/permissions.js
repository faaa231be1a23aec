'use strict';

/**
 * Move the permissions that a user wrote along with what they let in.
 *
 * What calls from outside of the stack cannot be moved from here. For it the permission on the
 * function is kept beside the one on the alias, so that nothing is cut off by a deploy.
 */

const { namesIn } = require('./graph');
const { CALLERS } = require('./kinds');
const { walk } = require('./references');

/** @param {any} pass of rewrite.js */
function movePermissions(pass) {
  for (const id of pass.ids()) {
    if (pass.resources[id].Type === 'AWS::Lambda::Permission')
      pass.guarded(id, () => move(pass, id));
  }
}

function move(pass, id) {
  const resource = pass.resources[id];
  const given = resource.Properties.FunctionName;
  const { value, found } = walk(given, {
    targets: pass.functions,
    literals: true,
    change: pass.change,
  });
  const [one] = found;
  if (!one) return;
  if (one.moved) pass.put(id, { ...resource.Properties, FunctionName: value });
  pass.see(id, found);
  if (one.moved) keepForOthers(pass, id, resource, one.target);
}

function keepForOthers(pass, id, before, target) {
  const inside = callersOf(pass, before.Properties, target);
  if (inside.length && inside.every((each) => each.onAlias)) return;
  const kept = `${id}ForLatest`;
  for (const other of dependents(pass.resources, id)) pass.graph.alsoAfter(other, kept);
  pass.resources[kept] = structuredClone(before);
  const stays = inside.filter((each) => !each.onAlias).map((each) => each.id);
  const both = `is on the alias of ${target.key} now, and ${kept} on the function`;
  pass.left(
    stays.length
      ? `AWS::Lambda::Permission ${id} ${both}, for ${stays.join(', ')}, which stays on $LATEST.`
      : `AWS::Lambda::Permission ${id} ${both}, since what it lets in (${textOf(before.Properties.Principal)}) ` +
          'is not in this stack: point that at the alias, for until then it runs $LATEST.',
  );
}

/** Who in the template calls the function in the name of the permission's principal and source. */
function callersOf(pass, { Principal: principal, SourceArn: source }, target) {
  const types = CALLERS.find(([pattern]) => pattern.test(textOf(principal)))?.[1];
  return pass.callers.filter(({ id, type, key }) => {
    return key === target.key && types?.test(type) && isSource(pass, source, id);
  });
}

/** Say whether a SourceArn may mean a resource: by reference, or by a name that stands in both. */
function isSource(pass, source, id) {
  if (source === undefined) return true;
  const named = [...namesIn(source)].filter((name) => !name.startsWith('AWS::'));
  if (named.length)
    return named.some((name) => pass.graph.reaches(id, name) || pass.graph.reaches(name, id));
  const words =
    textOf(source)
      .split(':')
      .slice(5)
      .join(':')
      .match(/[A-Za-z0-9._-]{3,}/g) ?? [];
  const telling = words.filter((word) => !COMMON.has(word));
  const text = JSON.stringify(pass.resources[id]);
  return !telling.length || telling.some((word) => text.includes(word));
}

/** Words of every ARN of its kind. */
const COMMON = new Set([
  'rule',
  'userpool',
  'log-group',
  'targetgroup',
  'aws',
  'lambda',
  'topicrule',
]);

function dependents(resources, id) {
  return Object.keys(resources).filter((other) =>
    [resources[other]?.DependsOn ?? []].flat().includes(id),
  );
}

/** The text of a principal or an ARN; * for what only AWS knows. */
function textOf(principal) {
  if (typeof principal === 'string') return principal;
  const sub = [principal?.['Fn::Sub']].flat()[0];
  if (typeof sub === 'string') return sub;
  const join = principal?.['Fn::Join'];
  if (!Array.isArray(join?.[1])) return 'another account';
  return join[1].map((each) => (typeof each === 'string' ? each : '*')).join(join[0]);
}

module.exports = { movePermissions };
