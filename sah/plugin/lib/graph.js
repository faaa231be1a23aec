'use strict';

/** Which resource of a template needs which other, so that a DependsOn never closes a circle. */

const { attributeOf, isMapping } = require('./references');

/** Name what a value refers to: by Ref, Fn::GetAtt, or in the text of Fn::Sub. */
function namesIn(value, names = new Set()) {
  if (Array.isArray(value)) value.forEach((each) => namesIn(each, names));
  if (!isMapping(value)) return names;
  if (typeof value.Ref === 'string') names.add(value.Ref);
  if (value['Fn::GetAtt']) names.add(attributeOf(value['Fn::GetAtt'])[0]);
  const sub = [value['Fn::Sub']].flat()[0];
  if (typeof sub === 'string') {
    for (const match of sub.matchAll(/\$\{([^!}.]+)/g)) names.add(match[1].trim());
  }
  Object.values(value).forEach((each) => namesIn(each, names));
  return names;
}

/** Give what a resource needs directly. */
function needsOf(resource) {
  const names = namesIn(resource?.Properties);
  [resource?.DependsOn ?? []].flat().forEach((id) => names.add(id));
  return names;
}

class Graph {
  constructor(resources) {
    this.resources = resources;
    this.needs = new Map();
  }

  /** Say whether a resource needs another, directly or through others. */
  reaches(from, to) {
    const seen = new Set();
    const open = [from];
    while (open.length) {
      const id = open.pop();
      if (id === to) return true;
      if (seen.has(id) || !Object.hasOwn(this.resources, id)) continue;
      seen.add(id);
      open.push(...this.needsOf(id));
    }
    return false;
  }

  /** Make one wait for another, unless it does already or that would close a circle. */
  depend(id, on) {
    if (this.reaches(id, on) || this.reaches(on, id)) return;
    this.alsoAfter(id, on);
  }

  alsoAfter(id, on) {
    const resource = this.resources[id];
    this.resources[id] = { ...resource, DependsOn: [...[resource.DependsOn ?? []].flat(), on] };
    this.changed(id);
  }

  /** Forget what a resource needed, since it was written anew. */
  changed(id) {
    this.needs.delete(id);
  }

  needsOf(id) {
    if (!this.needs.has(id)) this.needs.set(id, needsOf(this.resources[id]));
    return this.needs.get(id);
  }
}

module.exports = { Graph, namesIn };
