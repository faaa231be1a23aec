'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { describeBuild } = require('../../../sah/plugin/lib/build');

const SHA = '0123456789abcdef0123456789abcdef01234567';

const SYSTEMS = {
  'GitHub Actions': {
    env: {
      GITHUB_ACTIONS: 'true',
      GITHUB_SHA: SHA,
      GITHUB_REF_NAME: 'main',
      GITHUB_ACTOR: 'ada',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_RUN_ID: '9',
    },
    told: {
      commit: SHA,
      branch: 'main',
      author: 'ada',
      repository: 'https://github.com/o/r',
      ci_url: 'https://github.com/o/r/actions/runs/9',
    },
  },
  'a pull request on GitHub Actions': {
    env: {
      GITHUB_ACTIONS: 'true',
      GITHUB_SHA: SHA,
      GITHUB_HEAD_REF: 'fix',
      GITHUB_REF_NAME: '7/merge',
      GITHUB_SERVER_URL: 'https://g',
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_RUN_ID: '9',
    },
    told: {
      commit: SHA,
      branch: 'fix',
      repository: 'https://g/o/r',
      ci_url: 'https://g/o/r/actions/runs/9',
    },
  },
  GitLab: {
    env: {
      GITLAB_CI: 'true',
      CI_COMMIT_SHA: SHA,
      CI_COMMIT_REF_NAME: 'main',
      CI_COMMIT_MESSAGE: 'Fix carts\n\nlong',
      CI_COMMIT_AUTHOR: 'Ada <a@example.com>',
      CI_PROJECT_URL: 'https://gl/o/r',
      CI_PIPELINE_URL: 'https://gl/o/r/-/pipelines/9',
    },
    told: {
      commit: SHA,
      branch: 'main',
      message: 'Fix carts',
      author: 'Ada <a@example.com>',
      repository: 'https://gl/o/r',
      ci_url: 'https://gl/o/r/-/pipelines/9',
    },
  },
  CircleCI: {
    env: {
      CIRCLECI: 'true',
      CIRCLE_SHA1: SHA,
      CIRCLE_BRANCH: 'main',
      CIRCLE_USERNAME: 'ada',
      CIRCLE_REPOSITORY_URL: 'git@github.com:o/r.git',
      CIRCLE_BUILD_URL: 'https://circleci.com/gh/o/r/9',
    },
    told: {
      commit: SHA,
      branch: 'main',
      author: 'ada',
      repository: 'git@github.com:o/r.git',
      ci_url: 'https://circleci.com/gh/o/r/9',
    },
  },
  Jenkins: {
    env: {
      JENKINS_URL: 'https://j/',
      GIT_COMMIT: SHA,
      GIT_BRANCH: 'origin/main',
      GIT_URL: 'https://ada:pass@g/o/r.git',
      BUILD_URL: 'https://j/job/r/9/',
    },
    told: {
      commit: SHA,
      branch: 'main',
      repository: 'https://g/o/r.git',
      ci_url: 'https://j/job/r/9/',
    },
  },
  Bitbucket: {
    env: {
      BITBUCKET_BUILD_NUMBER: '9',
      BITBUCKET_COMMIT: SHA,
      BITBUCKET_BRANCH: 'main',
      BITBUCKET_GIT_HTTP_ORIGIN: 'https://bitbucket.org/o/r',
      BITBUCKET_REPO_FULL_NAME: 'o/r',
    },
    told: {
      commit: SHA,
      branch: 'main',
      repository: 'https://bitbucket.org/o/r',
      ci_url: 'https://bitbucket.org/o/r/pipelines/results/9',
    },
  },
  Azure: {
    env: {
      TF_BUILD: 'True',
      BUILD_SOURCEVERSION: SHA,
      BUILD_SOURCEBRANCH: 'refs/heads/feature/x',
      BUILD_SOURCEVERSIONMESSAGE: 'Fix',
      BUILD_REQUESTEDFOR: 'Ada',
      BUILD_REPOSITORY_URI: 'https://dev.azure.com/o/p/_git/r',
      SYSTEM_COLLECTIONURI: 'https://dev.azure.com/o/',
      SYSTEM_TEAMPROJECT: 'My p',
      BUILD_BUILDID: '9',
    },
    told: {
      commit: SHA,
      branch: 'feature/x',
      message: 'Fix',
      author: 'Ada',
      repository: 'https://dev.azure.com/o/p/_git/r',
      ci_url: 'https://dev.azure.com/o/My%20p/_build/results?buildId=9',
    },
  },
  Buildkite: {
    env: {
      BUILDKITE: 'true',
      BUILDKITE_COMMIT: SHA,
      BUILDKITE_BRANCH: 'main',
      BUILDKITE_MESSAGE: 'Fix',
      BUILDKITE_BUILD_AUTHOR: 'Ada',
      BUILDKITE_REPO: 'git@g:o/r.git',
      BUILDKITE_BUILD_URL: 'https://buildkite.com/o/r/builds/9',
    },
    told: {
      commit: SHA,
      branch: 'main',
      message: 'Fix',
      author: 'Ada',
      repository: 'git@g:o/r.git',
      ci_url: 'https://buildkite.com/o/r/builds/9',
    },
  },
  Travis: {
    env: {
      TRAVIS: 'true',
      TRAVIS_COMMIT: SHA,
      TRAVIS_BRANCH: 'main',
      TRAVIS_COMMIT_MESSAGE: 'Fix',
      TRAVIS_REPO_SLUG: 'o/r',
      TRAVIS_BUILD_WEB_URL: 'https://app.travis-ci.com/o/r/builds/9',
    },
    told: {
      commit: SHA,
      branch: 'main',
      message: 'Fix',
      repository: 'https://github.com/o/r',
      ci_url: 'https://app.travis-ci.com/o/r/builds/9',
    },
  },
  CodeBuild: {
    env: {
      CODEBUILD_BUILD_ID: 'shop:1-2',
      CODEBUILD_RESOLVED_SOURCE_VERSION: SHA,
      CODEBUILD_WEBHOOK_HEAD_REF: 'refs/heads/main',
      CODEBUILD_SOURCE_REPO_URL: 'https://g/o/r',
      AWS_REGION: 'eu-west-1',
    },
    told: {
      commit: SHA,
      branch: 'main',
      repository: 'https://g/o/r',
      ci_url:
        'https://eu-west-1.console.aws.amazon.com/codesuite/codebuild/projects/shop/build/shop%3A1-2',
    },
  },
};

/** A folder that git knows nothing of, or a repository with one commit. */
function folder(repository = false) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'build-'));
  if (repository) {
    const git = (...args) => execFileSync('git', ['-C', made, ...args], { stdio: 'pipe' });
    git('init', '-q', '-b', 'trunk');
    git('remote', 'add', 'origin', 'https://bot:secret@git.example.com/o/r.git');
    git(
      '-c',
      'user.name=Ada',
      '-c',
      'user.email=a@example.com',
      'commit',
      '-q',
      '--allow-empty',
      '-m',
      'Fix carts',
    );
  }
  return made;
}

const EMPTY = folder();

for (const [name, { env, told }] of Object.entries(SYSTEMS)) {
  test(`reads the variables of ${name}`, async () =>
    assert.deepEqual(await describeBuild(env, EMPTY), told));
}

test('asks git where there is no CI, and leaves credentials out', async () => {
  const build = await describeBuild({}, folder(true));
  assert.match(build.commit, /^[0-9a-f]{40}$/);
  delete build.commit;
  assert.deepEqual(build, {
    branch: 'trunk',
    author: 'Ada',
    message: 'Fix carts',
    repository: 'https://git.example.com/o/r.git',
  });
});

test('asks git for what the CI does not say', async () => {
  const build = await describeBuild(
    { BUILDKITE: 'true', BUILDKITE_COMMIT: 'HEAD', BUILDKITE_BRANCH: 'main' },
    folder(true),
  );
  assert.match(build.commit, /^[0-9a-f]{40}$/);
  assert.equal(build.branch, 'main');
  assert.equal(build.message, 'Fix carts');
});

test('knows nothing without CI and git, and bounds what it knows', async () => {
  assert.deepEqual(await describeBuild({}, EMPTY), {});
  const long = { GITLAB_CI: 'true', CI_COMMIT_MESSAGE: 'x'.repeat(9000) };
  assert.equal((await describeBuild(long, EMPTY)).message.length, 500);
});

test('sends no more of a name than SAH takes, and a link whole', async () => {
  const env = {
    GITLAB_CI: 'true',
    CI_COMMIT_REF_NAME: 'b'.repeat(300),
    CI_COMMIT_AUTHOR: 'a'.repeat(300),
    CI_PIPELINE_URL: `https://ci.example.com/${'p'.repeat(600)}`,
  };
  const { branch, author, ci_url: link } = await describeBuild(env, EMPTY);
  assert.deepEqual([branch.length, author.length], [255, 255]);
  assert.equal(link, env.CI_PIPELINE_URL);
});

test('cuts no sign in half', async () => {
  const env = {
    GITLAB_CI: 'true',
    CI_COMMIT_MESSAGE: `${'m'.repeat(499)}🚀 and more`,
    CI_COMMIT_REF_NAME: `${'b'.repeat(254)}🚀`,
    CI_COMMIT_AUTHOR: 'Ada 🚀',
  };
  const { author, branch, message } = await describeBuild(env, EMPTY);
  assert.deepEqual([message, branch], ['m'.repeat(499), 'b'.repeat(254)]);
  assert.equal(author, 'Ada 🚀');
});

test('leaves the whole password out of an address, with the signs in it', async () => {
  const env = { JENKINS_URL: 'x', GIT_URL: 'https://ci:p@ss@git.example.com/shop.git' };
  const { repository } = await describeBuild(env, EMPTY);
  assert.equal(repository, 'https://git.example.com/shop.git');
});
