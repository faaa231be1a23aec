'use strict';

/** `serverless sah status` and `serverless sah rollback`, through the app's API. */

const { sleep } = require('./api');

const LONGEST_MS = 15 * 60 * 1000;
const POLL_MS = 1000;

/** Write what is live as lines of text. */
async function status({ api, config, here, write }) {
  const [project, functions] = await Promise.all([
    api.get(config.projectUrl),
    api.list(`${config.projectUrl}/functions`),
  ]);
  const { items = [] } = await api.get(`${config.projectUrl}/deployments?limit=50`);
  const live = items.filter((each) => each.live === 'live').map((each) => `#${each.number}`);
  const other = otherThan(here, project);
  if (other) write(`Attention: ${other}`);
  write(`${project.name}: stack ${project.stack}, alias ${project.alias}`);
  write(live.length ? `Live: deployment ${live[0]}` : 'Live: no single deployment');
  for (const line of table(functions)) write(line);
  write(project.url);
}

function table(functions) {
  const rows = functions.map((each) => [
    each.name,
    liveOf(each),
    `newest ${each.published_version ?? 'none'}`,
    stateOf(each),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function liveOf({ live }) {
  if (!live) return 'no alias';
  const others = Object.entries(live.weights ?? {}).filter(([version]) => version !== live.version);
  const shares = others.map(([version, weight]) => ` + ${version} (${Math.round(weight * 100)} %)`);
  return `live ${live.version}${shares.join('')}`;
}

function stateOf({ gone, problems = [], warnings = [] }) {
  if (gone) return 'is gone from the stack';
  return [...problems, ...warnings]
    .map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
    .join('; ');
}

/** Say that the project looks after another stack than this service is, with this stage and Region. */
function otherThan(here, { name, stack, region }) {
  const [wanted, got] = [placeOf(stack, region), placeOf(here.stack, region && here.region)];
  if (!stack || wanted === got) return null;
  return (
    `the project ${name} in SAH looks after ${wanted}, and with these options the service is ${got}. ` +
    'Give the options that it is deployed with (--stage, --region), or let custom.sah.sahUrl name its project.'
  );
}

function placeOf(stack, region) {
  return `the stack ${stack}${region ? ` in ${region}` : ''}`;
}

/**
 * Roll back, wait for the end, and write it down.
 *
 * @throws {Error} for any other end, with the moves that did not work
 */
async function rollback(
  { api, config, here, write, options },
  { poll = POLL_MS, longest = LONGEST_MS } = {},
) {
  const override = options['override-reason'];
  const to = parseTo(options.to);
  const other = otherThan(here, await api.get(config.projectUrl));
  if (other) throw new Error(`Nothing was moved: ${other}`);
  const begun = await api.post(`${config.projectUrl}/operations`, {
    to,
    reason: options.reason,
    ...(override && { override_reason: override }),
  });
  write(`Operation ${begun.id} has begun${begun.url ? `: ${begun.url}` : ''}`);
  const ended = await waitFor(api, `${config.apiUrl}/operations/${begun.id}`, begun, poll, longest);
  if (ended.status === 'succeeded') return write(endOf(ended));
  const undone = (ended.moves ?? [])
    .filter((each) => each.detail)
    .map((each) => `  ${each.function}: ${each.outcome}, ${each.detail}`);
  throw new Error([`Rolling ${wayOf(ended)} did not work: ${saying(ended)}`, ...undone].join('\n'));
}

function parseTo(given = 'previous') {
  const text = String(given).replace(/^#/, '');
  if (text === 'previous') return text;
  if (/^[1-9][0-9]*$/.test(text)) return Number(text);
  throw new Error(`--to has to be the number of a deployment, or "previous", not "${given}".`);
}

async function waitFor(api, url, begun, poll, longest) {
  const until = Date.now() + longest;
  let operation = begun;
  while (!operation.finished_at) {
    if (Date.now() > until) {
      throw new Error(
        `Operation ${begun.id} has not ended in ${longest / 60_000} minutes; it goes on in SAH: ${begun.url}`,
      );
    }
    await sleep(poll);
    operation = await api.get(url).catch((error) => {
      const where = begun.url ? `: ${begun.url}` : '.';
      throw new Error(
        `${error.message.replace(/\.$/, '')}. How operation ${begun.id} ends is not known here; it goes on in SAH${where}`,
      );
    });
  }
  return operation;
}

function endOf(ended) {
  const { to, progress, duration_s: seconds } = ended;
  const where = to ? `deployment #${to}` : 'what was asked for';
  const time = typeof seconds === 'number' ? ` in ${seconds.toFixed(1)} s` : '';
  return `Rolled ${wayOf(ended)} to ${where}: ${progress?.verified ?? 0} of ${progress?.total ?? 0} aliases moved and read back${time}.`;
}

/** A deployment may be newer than what is live. */
function wayOf({ kind }) {
  return kind === 'roll_forward' ? 'forward' : 'back';
}

function saying({ status: end, error }) {
  const words = {
    put_back: 'it failed on the way, and every alias is back where it was',
    partly_moved: 'it failed on the way, and some aliases are moved',
    failed: 'nothing was moved',
  };
  return `${words[end] ?? end}${error ? ` (${error})` : ''}`;
}

module.exports = { rollback, status };
