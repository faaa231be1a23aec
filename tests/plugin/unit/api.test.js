'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Api } = require('../../../sah/plugin/lib/api');
const { withSah } = require('./fake-sah');

const TOKEN = 'sah_secret';
const api = (more) => new Api(TOKEN, { backoff: [1, 1], ...more });

test('sends the token, the body and the key, and reads the answer', async () => {
  await withSah(
    () => ({ status: 201, body: { number: 41 } }),
    async (url, asked) => {
      assert.deepEqual(await api().postSafely(`${url}/api/x`, { commit: 'é' }, 'key-1'), {
        number: 41,
      });
      const [{ method, headers, body }] = asked;
      assert.equal(method, 'POST');
      assert.equal(headers.authorization, `Bearer ${TOKEN}`);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['idempotency-key'], 'key-1');
      assert.deepEqual(body, { commit: 'é' });
    },
  );
});

for (const status of [500, 502, 503, 429]) {
  test(`tries twice more after ${status}, with the same key`, async () => {
    const answer = (_, count) =>
      count < 3 ? { status, body: {} } : { status: 201, body: { number: 7 } };
    await withSah(answer, async (url, asked) => {
      assert.equal((await api().postSafely(url, {}, 'k')).number, 7);
      assert.deepEqual(
        asked.map((each) => each.headers['idempotency-key']),
        ['k', 'k', 'k'],
      );
    });
  });
}

test('gives up after the third time', async () => {
  await withSah(
    () => ({ status: 503, body: {} }),
    async (url, asked) => {
      await assert.rejects(api().get(url), /SAH answered 503/);
      assert.equal(asked.length, 3);
    },
  );
});

for (const status of [400, 401, 403, 404, 409, 422]) {
  test(`does not try again after ${status}`, async () => {
    await withSah(
      () => ({ status, body: {} }),
      async (url, asked) => {
        await assert.rejects(api().postSafely(url, {}, 'k'), new RegExp(`SAH answered ${status}`));
        assert.equal(asked.length, 1);
      },
    );
  });
}

test('posts once what may not be repeated', async () => {
  await withSah(
    () => ({ status: 503, body: {} }),
    async (url, asked) => {
      await assert.rejects(api().post(url, {}));
      assert.equal(asked.length, 1);
    },
  );
});

test('tries again when there is no answer in time, and says so in the end', async () => {
  await withSah(
    () => ({ hang: true }),
    async (url, asked) => {
      await assert.rejects(
        api({ timeout: 30 }).get(url),
        /cannot be reached: no answer in 0\.03 s/,
      );
      assert.equal(asked.length, 3);
    },
  );
});

test('says the sentence of the app, with its hint', async () => {
  const error = {
    code: 'forbidden',
    message: 'This token belongs to another project.',
    hint: 'Make one for this project.',
  };
  await withSah(
    () => ({ status: 403, body: { error } }),
    async (url) => {
      await assert.rejects(
        api().get(url),
        /403: This token belongs to another project\. Make one for this project\./,
      );
    },
  );
});

test('never shows the token, whatever the app answers', async () => {
  await withSah(
    () => ({ status: 401, body: { error: { message: `bad token ${TOKEN}` } } }),
    async (url) => {
      await assert.rejects(
        api().get(url),
        (error) => !error.message.includes(TOKEN) && /bad token \*\*\*/.test(error.message),
      );
    },
  );
});

test('does not follow a redirect with the token, and says where SAH is', async () => {
  await withSah(
    () => ({ status: 308, headers: { location: 'https://new.example.com/' }, body: {} }),
    async (url, asked) => {
      await assert.rejects(
        api().get(url),
        /it is at https:\/\/new\.example\.com\/: is custom\.sah\.sahUrl right\?$/,
      );
      assert.equal(asked.length, 1);
    },
  );
});

test('understands a redirect to a page of the same host, and one to nowhere', async () => {
  const answers = [{ location: '/login?next=x' }, {}];
  await withSah(
    (_, count) => ({ status: 302, headers: answers[count - 1], body: {} }),
    async (url) => {
      await assert.rejects(api().get(url), { message: new RegExp(`it is at ${url}/login: is`) });
      await assert.rejects(api().get(url), { message: 'SAH answered 302' });
    },
  );
});

test('asks nobody with a token that cannot be one, and does not show it', async () => {
  await withSah(
    () => ({ body: {} }),
    async (url, asked) => {
      for (const token of ['sah_é', 'sah_a\nsah_b']) {
        await assert.rejects(new Api(token).get(url), {
          message: 'the token has blanks or signs in it that no token of SAH has',
        });
      }
      assert.equal(asked.length, 0);
    },
  );
});

const ODD = [
  ['text', 'SAH answered 413'],
  [{ message: { a: 1 }, hint: 7 }, 'SAH answered 413'],
  [{ message: '\u001b[31mNo\r\nway', hint: 'Why?' }, 'SAH answered 413:  [31mNo way Why?'],
];

for (const [error, message] of ODD) {
  test(`writes nothing odd to the terminal for ${JSON.stringify(error)}`, async () => {
    await withSah(
      () => ({ status: 413, body: { error } }),
      async (url) => assert.rejects(api().get(url), { message }),
    );
  });
}

test('says when what answers is not SAH', async () => {
  await withSah(
    () => ({ text: '<html>' }),
    async (url) => {
      await assert.rejects(api().get(url), /does not answer as SAH does/);
    },
  );
});

test('says when what refuses is not SAH', async () => {
  await withSah(
    () => ({ status: 403, text: '<html>' }),
    async (url) => {
      const message = `${url} answered 403, and not as SAH does: something in between may have`;
      await assert.rejects(api().get(url), { message });
    },
  );
});

test('says in words that SAH is not behind https', async () => {
  await withSah(
    () => ({ body: {} }),
    async (url) => {
      await assert.rejects(
        api().get(url.replace('http:', 'https:')),
        /cannot be reached: it does not speak https as expected; is it http:\/\/ perhaps\?$/,
      );
    },
  );
});

test('reads every page of a list', async () => {
  const pages = {
    null: { items: [1, 2], next_cursor: 'b c' },
    'b c': { items: [3], next_cursor: null },
  };
  const answer = ({ url }) => ({
    body: pages[new URL(url, 'http://x').searchParams.get('cursor')],
  });
  await withSah(answer, async (url) => assert.deepEqual(await api().list(url), [1, 2, 3]));
});
