'use strict';

/**
 * Which functions get the alias, and how the framework learns of it.
 *
 * `functionObject.targetAlias` is how the framework points its own events at the alias that it
 * makes for provisioned concurrency; set for every function, it does so for every event. It is
 * not documented, so the packaging tests fail on the day that it stops working.
 *
 * @typedef {import('./references').Target & {left?: string, edge?: boolean, other?: boolean, former?: object}} Function
 *   `left` says why it gets no alias; `edge` that CloudFront uses one of its versions; `other` that
 *   it is none of the service's; `former` is the alias that the framework would make of its own
 */

const { STACK_NAME } = require('./references');

const ALIAS = 'AWS::Lambda::Alias';
const NAMING = [
  ['durableConfig', 'getLambdaDurableAliasName', 'getLambdaDurableAliasLogicalId'],
  [
    'provisionedConcurrency',
    'getLambdaProvisionedConcurrencyAliasName',
    'getLambdaProvisionedConcurrencyAliasLogicalId',
  ],
  ['snapStart', 'getLambdaSnapStartEnabledAliasName', 'getLambdaSnapStartAliasLogicalId'],
];

/**
 * List the functions of the service, with the alias that each one gets.
 *
 * @returns {Function[]}
 */
function listFunctions(service, naming, aliasName) {
  return service.getAllFunctions().map((key) => {
    const definition = service.getFunction(key);
    const logicalId = naming.getLambdaLogicalId(key);
    const edge = hasEvent(definition, 'cloudFront');
    const left = whyLeft(definition, service.provider, edge);
    const alias = left ? null : { name: aliasName, logicalId: activeAliasId(service, logicalId) };
    const inStack = byStackName(definition.name, naming.getStackName());
    return { key, logicalId, name: definition.name, inStack, alias, left, edge };
  });
}

/** The name as users write it who let it begin with the stack's, as the framework's own names do. */
function byStackName(name, stackName) {
  return name.startsWith(stackName) ? STACK_NAME + name.slice(stackName.length) : null;
}

/** The same logical id as the first plugin of this name gave, so that a stack can change over. */
function aliasLogicalId(functionLogicalId, suffix) {
  return `${functionLogicalId}Alias${idPart(suffix)}`;
}

/** An alias's name as a part of a logical id, in which only letters and digits may stand. */
function idPart(name) {
  return name.replace(/[^A-Za-z0-9]/g, (sign) => (sign === '-' ? 'Dash' : 'Underscore'));
}

/** What users write under the same id would be merged into the alias, and spoil both. */
function activeAliasId({ resources }, functionLogicalId) {
  const id = aliasLogicalId(functionLogicalId, '');
  return Object.hasOwn(resources?.Resources ?? {}, id) ? `${id}Sah` : id;
}

function whyLeft(definition, provider, edge) {
  if (edge && definition.events.every((event) => isEvent(event, 'cloudFront'))) {
    return 'Lambda@Edge serves a version, never an alias';
  }
  const versioned = definition.versionFunction ?? provider.versionFunctions ?? true;
  const published =
    definition.provisionedConcurrency || definition.snapStart || definition.durableConfig;
  return versioned || published ? undefined : 'versionFunction is false, so it has no versions';
}

/**
 * List the functions of the template that are none of the service's: nobody aims at an alias of them.
 *
 * @returns {Function[]}
 */
function listOtherFunctions(resources, functions) {
  const known = new Set(functions.map((each) => each.logicalId));
  const versions = findVersions(resources);
  return Object.entries(resources)
    .filter(([id, each]) => each?.Type === 'AWS::Lambda::Function' && !known.has(id))
    .map(([id, each]) => {
      const name = each.Properties?.FunctionName;
      const left = versions.has(id)
        ? 'a plugin that is listed after sah-plugin made it; list sah-plugin after that one'
        : 'it stands under resources, where SAH makes no versions';
      return {
        ...{ key: id, logicalId: id, name: typeof name === 'string' ? name : null },
        ...{ alias: null, left, other: true },
      };
    });
}

function hasEvent(definition, kind) {
  return (definition.events || []).some((event) => isEvent(event, kind));
}

function isEvent(event, kind) {
  return event === kind || (typeof event === 'object' && event !== null && kind in event);
}

/** Tell the framework to point the events of these functions at their aliases. */
function aimEvents(service, naming, functions, aliasName) {
  for (const target of functions.filter((each) => each.alias)) {
    const definition = service.getFunction(target.key);
    target.former = formerAlias(definition, naming, target.key);
    definition.targetAlias = { ...target.alias };
  }
  for (const [, name, logicalId] of NAMING) {
    naming[name] = () => aliasName;
    naming[logicalId] = (key) => activeAliasId(service, naming.getLambdaLogicalId(key));
  }
}

function formerAlias(definition, naming, key) {
  const [, name, logicalId] = NAMING.find(([setting]) => definition[setting]) ?? [];
  return typeof naming[name] === 'function'
    ? { name: naming[name](), logicalId: naming[logicalId](key) }
    : undefined;
}

/**
 * Add the alias, and the extra ones, of every function to the template.
 *
 * A function that the framework gave no version after all gets none, and no event is aimed at it.
 */
function addAliases(template, functions, extraNames) {
  const versions = findVersions(template.Resources);
  for (const target of functions.filter((each) => each.alias)) {
    const versionId = versions.get(target.logicalId);
    if (!versionId) {
      Object.assign(target, { alias: null, left: 'the framework made no version of it' });
      continue;
    }
    const resource = template.Resources[versionId];
    resource.DeletionPolicy = 'Retain'; // what an alias may have to go back to
    addAlias(template.Resources, target, target.alias, versionId);
    for (const name of extraNames) {
      const alias = { name, logicalId: aliasLogicalId(target.logicalId, name) };
      addAlias(template.Resources, target, alias, versionId);
    }
  }
}

/**
 * Say which aliases would take the logical id of something else.
 *
 * @param {any} template with the functions
 * @param {any} service whose own resources are not in the template yet
 * @param {Function[]} functions
 * @param {readonly string[]} extraNames
 * @returns {string[]} a sentence each
 */
function listTaken(template, service, functions, extraNames) {
  const ours = functions.filter((each) => each.alias);
  const known = [template.Resources, service.resources?.Resources ?? {}].flatMap(Object.keys);
  const active = ours.map((each) => each.alias.logicalId);
  const taken = new Map([...known, ...active].map((id) => [id.toLowerCase(), id]));
  return ours.flatMap(({ key, logicalId, alias }) => {
    // The framework's own alias, for provisioned concurrency, may be there already.
    const { Type: type = ALIAS } = template.Resources[alias.logicalId] ?? {};
    const extra = extraNames.map((name) => [
      name,
      taken.get(aliasLogicalId(logicalId, name).toLowerCase()),
    ]);
    return [[alias.name, type === ALIAS ? undefined : alias.logicalId], ...extra]
      .filter(([, id]) => id)
      .map(([name, id]) => {
        return `The alias ${name} of ${key} needs the logical id ${id}, which a resource has already; rename one of them.`;
      });
  });
}

function addAlias(resources, target, alias, versionId) {
  // The framework makes it for provisioned concurrency; its DependsOn is in FunctionName here.
  const { DependsOn, ...made } = resources[alias.logicalId] ?? {};
  const condition = resources[versionId].Condition;
  resources[alias.logicalId] = {
    Type: ALIAS,
    ...(condition && { Condition: condition }),
    ...made,
    Properties: {
      ...made.Properties,
      // Always the ARN: another spelling of the same function would make CloudFormation
      // replace the alias, and fail since the name is taken.
      FunctionName: { 'Fn::GetAtt': [target.logicalId, 'Arn'] },
      FunctionVersion: { 'Fn::GetAtt': [versionId, 'Version'] },
      Name: alias.name,
    },
  };
}

/**
 * Find the version of each function in a template.
 *
 * @returns {Map<string, string>} its logical id, by that of the function
 */
function findVersions(resources) {
  const versions = Object.entries(resources).filter(
    ([, resource]) => resource?.Type === 'AWS::Lambda::Version',
  );
  return new Map(versions.map(([id, resource]) => [resource.Properties?.FunctionName?.Ref, id]));
}

module.exports = {
  addAliases,
  aimEvents,
  aliasLogicalId,
  idPart,
  findVersions,
  hasEvent,
  listFunctions,
  listOtherFunctions,
  listTaken,
};
