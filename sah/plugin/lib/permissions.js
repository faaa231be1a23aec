'use strict';

/**
 * Move the permissions that a user wrote along with what they let in.
 *
 * What calls from outside of the stack cannot be moved from here. For it the permission on the
 * function is kept beside the one on the alias, so that nothing is cut off by a deploy.
 */

const { CALLERS } = require('./kinds');
const { walk } = require('./references');

/** @param {any} pass of rewrite.js */
function movePermissions(pass) {
  for (const id of pass.ids()) {
    if (pass.resources[id].Type === 'AWS::Lambda::Permission') pass.guarded(id, () => move(pass, id));
  }
}

function move(pass, id) {
  const resource = pass.resources[id];
  const given = resource.Properties.FunctionName;
  const { value, found } = walk(given, { targets: pass.functions, literals: true, change: pass.change });
  const [one] = found;
  if (!one) return;
  if (one.moved) pass.put(id, { ...resource.Properties, FunctionName: value });
  pass.see(id, found);
  if (one.moved) keepForOthers(pass, id, resource, one.target);
}

function keepForOthers(pass, id, before, target) {
  const principal = textOf(before.Properties.Principal);
  const types = CALLERS.find(([pattern]) => pattern.test(principal))?.[1];
  const inside = pass.callers.filter((each) => each.key === target.key && types?.test(each.type));
  if (inside.length && inside.every((each) => each.onAlias)) return;
  const kept = `${id}ForLatest`;
  pass.resources[kept] = structuredClone(before);
  const who = inside.length ? inside.filter((each) => !each.onAlias).map((each) => each.id).join(', ') : null;
  pass.left(
    who
      ? `AWS::Lambda::Permission ${id} is on the alias of ${target.key} now, and ${kept} on the function, for ${who}, which stays on $LATEST.`
      : `AWS::Lambda::Permission ${id} lets ${principal} call ${target.key}, but what calls is not in this stack. ` +
        `It may call the alias now, and (${kept}) still the function: point it at the alias, for until then it runs $LATEST.`,
  );
}

function textOf(principal) {
  if (typeof principal === 'string') return principal;
  const sub = [principal?.['Fn::Sub']].flat()[0];
  if (typeof sub === 'string') return sub;
  const join = principal?.['Fn::Join'];
  if (!Array.isArray(join?.[1])) return 'another account';
  return join[1].map((each) => (typeof each === 'string' ? each : '*')).join(join[0]);
}

module.exports = { movePermissions };
