'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Api } = require('../../../sah/plugin/lib/api');
const { rollback, status } = require('../../../sah/plugin/lib/commands');
const { withSah } = require('./fake-sah');

const QUICK = { poll: 0 };
const PROJECT = {
  ...{ name: 'shop', stack: 'shop-prod', region: 'eu-west-1' },
  ...{ alias: 'ACTIVE', url: 'http://sah/projects/3' },
};

function sessionOf(url, options = {}) {
  const lines = [];
  const config = { apiUrl: `${url}/api`, projectUrl: `${url}/api/projects/3` };
  const api = new Api('sah_secret', { backoff: [1, 1] });
  return {
    api,
    config,
    here: { stack: 'shop-prod', region: 'eu-west-1' },
    options: { reason: 'Carts are empty', ...options },
    lines,
    write: (line) => lines.push(line),
  };
}

const OPERATION = {
  id: 12,
  url: 'http://sah/operations/12',
  to: 40,
  status: 'running',
  finished_at: null,
  moves: [],
};

/** Answer with the project, the creation, then what `ends` says. */
function operations(ends, running = 3) {
  return ({ method, url }, count) => {
    if (method === 'POST') return { status: 202, body: OPERATION };
    if (url.endsWith('/projects/3')) return { body: PROJECT };
    return {
      body:
        count <= running
          ? OPERATION
          : { ...OPERATION, finished_at: '2026-01-01T00:00:00Z', ...ends },
    };
  };
}

test('rolls back to the previous deployment and waits for the end', async () => {
  const ends = { status: 'succeeded', progress: { total: 3, verified: 3 }, duration_s: 1.25 };
  await withSah(operations(ends), async (url, asked) => {
    const session = sessionOf(url);
    await rollback(session, QUICK);
    assert.equal(asked[0].url, '/api/projects/3');
    assert.deepEqual(asked[1].body, { to: 'previous', reason: 'Carts are empty' });
    assert.equal(asked[1].url, '/api/projects/3/operations');
    assert.equal(asked.at(-1).url, '/api/operations/12');
    assert.deepEqual(session.lines, [
      'Operation 12 has begun: http://sah/operations/12',
      'Rolled back to deployment #40: 3 of 3 aliases moved and read back in 1.3 s.',
    ]);
  });
});

test('says that it rolls forward when the deployment is newer than what is live', async () => {
  const ends = { kind: 'roll_forward', status: 'succeeded', progress: { total: 3, verified: 3 } };
  await withSah(operations(ends), async (url) => {
    const session = sessionOf(url);
    await rollback(session, QUICK);
    assert.match(session.lines[1], /^Rolled forward to deployment #40: 3 of 3 aliases/);
  });
  await withSah(operations({ ...ends, status: 'failed' }), async (url) => {
    await assert.rejects(rollback(sessionOf(url), QUICK), /^Error: Rolling forward did not work: /);
  });
});

for (const [given, sent] of [
  ['41', 41],
  ['#41', 41],
  ['previous', 'previous'],
]) {
  test(`understands --to ${given}`, async () => {
    await withSah(operations({ status: 'succeeded' }), async (url, asked) => {
      await rollback(sessionOf(url, { to: given, 'override-reason': 'stuck' }), QUICK);
      assert.deepEqual(asked[1].body, {
        to: sent,
        reason: 'Carts are empty',
        override_reason: 'stuck',
      });
    });
  });
}

test('refuses a --to that is no deployment, before anything is asked', async () => {
  await withSah(
    () => ({ body: {} }),
    async (url, asked) => {
      await assert.rejects(
        rollback(sessionOf(url, { to: 'yesterday' }), QUICK),
        /--to has to be the number of a deployment/,
      );
      assert.equal(asked.length, 0);
    },
  );
});

for (const [end, words] of [
  ['put_back', /every alias is back where it was/],
  ['partly_moved', /some aliases are moved/],
  ['failed', /nothing was moved/],
]) {
  test(`fails when the operation ends ${end}, and says which moves did not work`, async () => {
    const moves = [
      { function: 'shop-cart', outcome: 'failed', detail: 'Version 7 is gone.' },
      { function: 'shop-pay', outcome: 'put_back', detail: '' },
    ];
    await withSah(operations({ status: end, error: '1 of 2 failed', moves }), async (url) => {
      await assert.rejects(rollback(sessionOf(url), QUICK), (error) => {
        return (
          words.test(error.message) &&
          /\(1 of 2 failed\)\n  shop-cart: failed, Version 7 is gone\.$/.test(error.message)
        );
      });
    });
  });
}

test('goes on polling through a hiccup of the app', async () => {
  const answer = ({ method, url }, count) => {
    if (method === 'POST') return { status: 202, body: OPERATION };
    if (url.endsWith('/projects/3')) return { body: PROJECT };
    if (count === 3) return { status: 502, body: {} };
    return { body: { ...OPERATION, finished_at: 'now', status: 'succeeded' } };
  };
  await withSah(answer, async (url) => {
    const session = sessionOf(url);
    await rollback(session, QUICK);
    assert.match(session.lines[1], /Rolled back/);
  });
});

for (const here of [
  { stack: 'shop-dev', region: 'eu-west-1' },
  { stack: 'shop-prod', region: 'us-east-1' },
]) {
  const place = `the stack ${here.stack} in ${here.region}`;
  const told =
    'the project shop in SAH looks after the stack shop-prod in eu-west-1, and with these options ' +
    `the service is ${place}. Give the options`;

  test(`moves nothing when the project looks after another stack than ${place}`, async () => {
    await withSah(operations({ status: 'succeeded' }), async (url, asked) => {
      await assert.rejects(rollback({ ...sessionOf(url), here }, QUICK), ({ message }) =>
        message.startsWith(`Nothing was moved: ${told}`),
      );
      assert.deepEqual(
        asked.map(({ method }) => method),
        ['GET'],
      );
    });
  });

  test(`shows what is live, and says that it is not ${place}`, async () => {
    const answer = ({ url }) => ({ body: url.endsWith('/projects/3') ? PROJECT : { items: [] } });
    await withSah(answer, async (url) => {
      const session = { ...sessionOf(url), here };
      await status(session);
      assert.ok(session.lines[0].startsWith(`Attention: ${told}`));
      assert.equal(session.lines[1], 'shop: stack shop-prod, alias ACTIVE');
    });
  });
}

test('does not ask twice for a rollback', async () => {
  await withSah(
    ({ method }) => (method === 'GET' ? { body: PROJECT } : { status: 503, body: {} }),
    async (url, asked) => {
      await assert.rejects(rollback(sessionOf(url), QUICK), /503/);
      assert.equal(asked.filter(({ method }) => method === 'POST').length, 1);
    },
  );
});

test('says where an operation goes on when the app cannot be asked any more', async () => {
  const answer = ({ method, url }) => {
    if (method === 'POST') return { status: 202, body: OPERATION };
    return url.endsWith('/projects/3') ? { body: PROJECT } : { status: 503, body: {} };
  };
  await withSah(answer, async (url) => {
    await assert.rejects(rollback(sessionOf(url), QUICK), {
      message:
        'SAH answered 503. How operation 12 ends is not known here; it goes on in SAH: ' +
        'http://sah/operations/12',
    });
  });
});

test('says where an operation goes on that takes too long', async () => {
  await withSah(operations({}, Infinity), async (url) => {
    await assert.rejects(
      rollback(sessionOf(url), { poll: 0, longest: 0 }),
      /goes on in SAH: http:\/\/sah\/operations\/12/,
    );
  });
});

test('shows what is live', async () => {
  const functions = [
    {
      name: 'shop-cart',
      live: { version: '7', weights: { 8: 0.25 } },
      published_version: '9',
      problems: [],
      warnings: ['is split'],
    },
    { name: 'shop-pay', live: null, published_version: null, problems: [], warnings: [] },
    { name: 'shop-search-engine', live: { version: '12', weights: {} }, published_version: '12' },
    { name: 'shop-old', live: { version: '3', weights: {} }, published_version: '3', gone: true },
  ];
  const answer = ({ url }) => {
    if (url.includes('/functions')) return { body: { items: functions, next_cursor: null } };
    if (url.includes('/deployments'))
      return {
        body: {
          items: [
            { number: 42, live: 'not_live' },
            { number: 41, live: 'live' },
          ],
        },
      };
    return { body: PROJECT };
  };
  await withSah(answer, async (url) => {
    const session = sessionOf(url);
    await status(session);
    assert.deepEqual(session.lines, [
      'shop: stack shop-prod, alias ACTIVE',
      'Live: deployment #41',
      'shop-cart           live 7 + 8 (25 %)  newest 9     is split',
      'shop-pay            no alias           newest none',
      'shop-search-engine  live 12            newest 12',
      'shop-old            live 3             newest 3     is gone from the stack',
      'http://sah/projects/3',
    ]);
  });
});
