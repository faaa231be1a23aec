'use strict';

/**
 * The second pass, over the whole template: what the framework's own events left on $LATEST.
 *
 * Each resource is rewritten as a whole or not at all. What stays is written down as a finding:
 *
 * @typedef {object} Finding
 * @property {'left'|'note'} level `left`: it invokes $LATEST; `note`: somebody should know
 * @property {string} text a sentence
 */

const kinds = require('./kinds');
const { Graph } = require('./graph');
const { Known, mayMean, writeOut } = require('./known');
const { movePermissions } = require('./permissions');
const { extendPolicies } = require('./policies');
const { renameFormer } = require('./rename');
const { escape, walk } = require('./references');
const { walkSubstitutions } = require('./substitutions');

/**
 * Point every resource of the template at the aliases.
 *
 * @param {any} template changed in place
 * @param {import('./aliases').Function[]} functions
 * @param {boolean} change false only looks
 * @param {Record<string, string>} [parameters] what the deploy passes to the template
 * @returns {Finding[]}
 */
function rewrite(template, functions, change = true, parameters = {}) {
  const before = { ...template, Resources: { ...template.Resources } };
  try {
    return passOver(change ? template : { ...before }, functions, change, parameters);
  } catch (error) {
    if (change) Object.assign(template, before);
    const text = `The resources of your own could not be looked at (${error.message}) and are as you wrote them.`;
    return [{ level: 'left', text }];
  }
}

function passOver(template, functions, change, parameters) {
  const { Outputs: outputs } = template;
  if (outputs) template.Outputs = renameFormer(outputs, functions);
  const pass = new Pass(template, functions, change, parameters);
  pass.macros();
  for (const id of pass.ids()) pass.guarded(id, () => pass.resource(id));
  movePermissions(pass);
  pass.outputs();
  for (const [id, alias] of pass.waits) pass.graph.depend(id, alias);
  return pass.findings;
}

class Pass {
  constructor(template, functions, change, parameters) {
    this.template = template;
    this.known = new Known(template, parameters);
    const listed = Object.keys(template.Parameters ?? {}).map(escape);
    this.parameters = new RegExp(listed.length ? `"Ref":"(?:${listed.join('|')})"` : '(?!)');
    this.resources = template.Resources;
    this.functions = functions;
    this.targets = functions.filter((each) => each.alias); // one list, since lists are indexed
    this.change = change;
    this.graph = new Graph(this.resources);
    this.findings = [];
    /** @type {{id: string, type: string, key: string, onAlias: boolean}[]} who calls which function */
    this.callers = [];
    /** @type {[string, string][]} which resource has to wait for which alias, for it means it by name */
    this.waits = [];
    /** Resources without an expression that could come to a name. */
    this.plain = new Set();
    this.mentioned = this.mentioning();
  }

  /** The resources that mention a function at all; rewriting them makes no others do so. */
  ids() {
    return this.mentioned.filter((id) => this.resources[id].Type);
  }

  mentioning() {
    const words = new Set(
      this.functions.flatMap(({ logicalId, name, former }) => [logicalId, name, former?.logicalId]),
    );
    words.add('StackName'); // which may begin a name
    const named = (id) => {
      const text = JSON.stringify(this.resources[id]) ?? '';
      if (!/"Fn::(?!GetAtt")/.test(text) && !this.parameters.test(text)) this.plain.add(id);
      if (this.mayHide(text)) return true;
      return text.match(/[A-Za-z0-9_-]+/g)?.some((word) => words.has(word));
    };
    return Object.keys(this.resources).filter((id) => this.resources[id] && named(id));
  }

  /** Say whether a name may be put together in a resource, or come from a map or a parameter. */
  mayHide(text) {
    return /"Fn::(?:FindInMap|Join|Select|Sub)"/.test(text) || this.parameters.test(text);
  }

  /** What becomes resources only in CloudFormation: Fn::ForEach and the like. */
  macros() {
    for (const id of this.mentioned.filter((each) => each.startsWith('Fn::'))) {
      for (const { target } of this.bare(this.resources[id]))
        this.left(
          `${id} refers to ${target.key}, and only CloudFormation can read it; it was left on $LATEST.`,
        );
    }
  }

  /** Rewrite a resource; when that fails leave it as it was, and say so. */
  guarded(id, work) {
    const before = this.resources[id];
    try {
      work();
    } catch (error) {
      this.resources[id] = before;
      this.waits = this.waits.filter(([each]) => each !== id);
      this.graph.changed(id);
      this.left(
        `${before.Type} ${id} could not be rewritten (${error.message}); it stays on $LATEST.`,
      );
      this.see(id, this.look(before.Properties));
    }
  }

  resource(id) {
    this.resources[id] = renameFormer(this.resources[id], this.functions);
    this.names(id);
    this.graph.changed(id);
    const { Type: type, Properties: properties } = this.resources[id];
    if (type === 'AWS::Lambda::Permission') return;
    if (type === 'AWS::Lambda::Function') this.environment(id);
    else if (kinds.FRAMEWORK_CUSTOM.has(type)) this.frameworkCustom(id);
    else if (kinds.POLICIES.has(type)) this.policies(id);
    else {
      const known = kinds.INVOKES[type] ?? [];
      this.put(id, this.paths(id, known, properties));
      if (type in kinds.HAS_QUALIFIER) this.qualifier(id);
      else this.unknown(id, known);
    }
  }

  /** Write names out that the template puts together; report what only CloudFormation can. */
  names(id) {
    const { Type: type, Properties: properties } = this.resources[id];
    if (this.plain.has(id) || kinds.HARMLESS.has(type) || type === 'AWS::Lambda::Function') return;
    const written = writeOut(properties, this.known, this.functions);
    if (written !== properties) this.resources[id] = { ...this.resources[id], Properties: written };
    for (const { target, by } of this.mayMean(type, written)) {
      this.callers.push({ id, type, key: target.key, onAlias: false });
      this.left(
        `${type} ${id} may mean ${target.key}, by ${by}, which only CloudFormation knows; it was ` +
          'left as it is. Refer to the function itself instead.',
      );
    }
  }

  /** What stands where a function is invoked may be its mere name; elsewhere only an ARN means it. */
  mayMean(type, properties) {
    const { targets } = this;
    const beside = kinds.HAS_QUALIFIER[type];
    const invoked = [];
    for (const path of [...(kinds.INVOKES[type] ?? []), ...(beside ? [beside] : [])])
      kinds.changeAt(properties, path.split('.'), (value) => invoked.push(value));
    const found = [
      ...mayMean(invoked, this.known, { targets, literals: true }),
      ...mayMean(properties, this.known, { targets }),
    ];
    return new Map(found.map((each) => [each.target, each])).values();
  }

  /** Qualify what stands at the paths where this type invokes. */
  paths(id, paths, properties) {
    const { Type: type } = this.resources[id];
    return paths.reduce((value, path) => {
      return kinds.changeAt(value, path.split('.'), (given, deep) => {
        const options = { targets: this.functions, change: this.change };
        const names = deep && kinds.KEEPS_NAMES.has(type);
        const result =
          path === kinds.SUBSTITUTIONS
            ? walkSubstitutions(given, properties, options)
            : walk(given, { ...options, names, literals: !deep });
        this.see(id, result.found);
        return result.value;
      });
    }, properties);
  }

  put(id, properties) {
    if (!this.change) return;
    this.resources[id] = { ...this.resources[id], Properties: properties };
    this.graph.changed(id);
  }

  look(value, literals = false) {
    return walk(value, { targets: this.functions, literals }).found;
  }

  /** Remember who calls, wait for aliases that are meant by name, report what names $LATEST. */
  see(id, found) {
    const { Type: type } = this.resources[id];
    for (const { target, qualifier, moved, byName } of found) {
      const onAlias = moved || Boolean(target.alias && qualifier === target.alias.name);
      const onLatest = !onAlias && (qualifier === null || qualifier === '$LATEST');
      if (onAlias || onLatest) this.callers.push({ id, type, key: target.key, onAlias });
      if (this.change && onAlias && (byName || !moved))
        this.waits.push([id, target.alias.logicalId]);
      if (qualifier === '$LATEST')
        this.left(`${type} ${id} names $LATEST of ${target.key} itself; it was left so.`);
      else if (!onAlias && target.former && qualifier === target.former.name) {
        this.left(
          `${type} ${id} names the alias ${qualifier} of ${target.key}, which is ${target.alias.name} now.`,
        );
      } else if (onLatest && !this.change)
        this.left(`${type} ${id} invokes ${target.key} on $LATEST.`);
      else if (onLatest && target.alias === null)
        target.triggers = [...(target.triggers ?? []), `${type} ${id}`];
    }
  }

  /** A function and its qualifier in two properties: an asynchronous configuration, a URL. */
  qualifier(id) {
    const resource = this.resources[id];
    const property = kinds.HAS_QUALIFIER[resource.Type];
    const { Qualifier: given, [property]: value } = resource.Properties;
    const [one] = walk(value, { targets: this.functions, literals: true }).found;
    if (!one) return;
    const bare = one.qualifier === null && (given === undefined || given === '$LATEST');
    const moved = bare && this.change && one.target.alias !== null;
    if (moved) this.put(id, { ...resource.Properties, Qualifier: one.target.alias.name });
    this.see(id, [
      { ...one, qualifier: bare ? null : (one.qualifier ?? given), moved, byName: true },
    ]);
  }

  policies(id) {
    if (this.change) this.put(id, extendPolicies(this.resources[id].Properties, this.targets));
  }

  /** References at places where nobody knows whether an alias would be accepted. */
  unknown(id, known) {
    const { Type: type, Properties: properties } = this.resources[id];
    if (kinds.HARMLESS.has(type)) return;
    const rest = known.reduce(
      (value, path) => kinds.changeAt(value, path.split('.'), () => null),
      properties,
    );
    const { ServiceToken: token, ...others } = rest ?? {};
    if (kinds.isCustomResource(type) && this.bare(token).length) {
      this.note(
        `${type} ${id} keeps its function on $LATEST: CloudFormation accepts no other ServiceToken ` +
          'for a resource that exists, and calls it only while it deploys.',
      );
    }
    const literals = type === 'AWS::SSM::Parameter';
    for (const { target } of this.bare(kinds.isCustomResource(type) ? others : rest, literals))
      this.unclear(id, type, target);
  }

  unclear(id, type, target) {
    if (type === 'AWS::SSM::Parameter') return this.handsOut(`${type} ${id}`, target);
    this.callers.push({ id, type, key: target.key, onAlias: false });
    return this.left(
      `${type} ${id} refers to ${target.key}, and whether it accepts an alias is not known; it was left on $LATEST.`,
    );
  }

  bare(value, literals) {
    const found = this.look(value, literals).filter(
      (each) => each.qualifier === null && each.target.alias,
    );
    return found.filter(
      (each, index) => found.findIndex((other) => other.target === each.target) === index,
    );
  }

  frameworkCustom(id) {
    const { Type: type, Properties: properties } = this.resources[id];
    const target = this.functions.find((each) => each.name === properties.FunctionName);
    if (!target) return;
    const onAlias = Boolean(target.alias && properties.FunctionQualifier === target.alias.name);
    this.callers.push({ id, type, key: target.key, onAlias });
    if (onAlias) return;
    if (target.alias === null) target.triggers = [...(target.triggers ?? []), `${type} ${id}`];
    else {
      this.left(
        `${type} ${id} of ${target.key} stays on $LATEST: this version of the framework can point ` +
          'it at a function only, not at an alias; osls 4 can.',
      );
    }
  }

  environment(id) {
    const given = this.resources[id].Properties?.Environment?.Variables ?? {};
    const variables = writeOut(given, this.known, this.functions);
    for (const [name, value] of Object.entries(variables)) {
      const found = walk(value, { targets: this.functions, literals: true }).found;
      for (const { target, qualifier } of found) {
        if (qualifier !== null || !target.alias) continue;
        this.note(
          `The environment variable ${name} of ${id} names ${target.key} without the alias; ` +
            `code that calls it by that runs $LATEST, unless it adds the qualifier ${target.alias.name}.`,
        );
      }
    }
  }

  outputs() {
    for (const [name, output] of Object.entries(this.template.Outputs ?? {})) {
      const value = writeOut(output?.Value, this.known, this.functions);
      for (const { target } of this.bare(value, true)) this.handsOut(`The output ${name}`, target);
    }
  }

  handsOut(what, { key }) {
    this.note(`${what} hands out ${key} without the alias; who calls it by that runs $LATEST.`);
  }

  left(text) {
    this.findings.push({ level: 'left', text });
  }

  note(text) {
    this.findings.push({ level: 'note', text });
  }
}

module.exports = { rewrite };
