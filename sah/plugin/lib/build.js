'use strict';

/** What is being deployed, and by which build: from the CI's variables, or else from git. */

const { execFile } = require('node:child_process');
const { promisify } = require('node:util');

const GIT_TIMEOUT_MS = 2000;
const LONGEST_MESSAGE = 500;
/** SAH refuses a report in which one is longer. */
const LONGEST = { branch: 255, author: 255, repository: 2048, ci_url: 2048 };

/** Each: the variable that only this CI sets, and where it says what. */
const SYSTEMS = [
  [
    'GITHUB_ACTIONS',
    (env) => {
      const repository = `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}`;
      return {
        commit: env.GITHUB_SHA,
        branch: env.GITHUB_HEAD_REF || env.GITHUB_REF_NAME,
        author: env.GITHUB_ACTOR,
        repository,
        ci_url: `${repository}/actions/runs/${env.GITHUB_RUN_ID}`,
      };
    },
  ],
  [
    'GITLAB_CI',
    (env) => ({
      commit: env.CI_COMMIT_SHA,
      branch: env.CI_COMMIT_REF_NAME,
      message: env.CI_COMMIT_MESSAGE,
      author: env.CI_COMMIT_AUTHOR,
      repository: env.CI_PROJECT_URL,
      ci_url: env.CI_PIPELINE_URL || env.CI_JOB_URL,
    }),
  ],
  [
    'CIRCLECI',
    (env) => ({
      commit: env.CIRCLE_SHA1,
      branch: env.CIRCLE_BRANCH || env.CIRCLE_TAG,
      author: env.CIRCLE_USERNAME,
      repository: env.CIRCLE_REPOSITORY_URL,
      ci_url: env.CIRCLE_BUILD_URL,
    }),
  ],
  [
    'BITBUCKET_BUILD_NUMBER',
    (env) => ({
      commit: env.BITBUCKET_COMMIT,
      branch: env.BITBUCKET_BRANCH || env.BITBUCKET_TAG,
      repository: env.BITBUCKET_GIT_HTTP_ORIGIN,
      ci_url: `https://bitbucket.org/${env.BITBUCKET_REPO_FULL_NAME}/pipelines/results/${env.BITBUCKET_BUILD_NUMBER}`,
    }),
  ],
  [
    'TF_BUILD',
    (env) => ({
      commit: env.BUILD_SOURCEVERSION,
      branch: env.BUILD_SOURCEBRANCH,
      message: env.BUILD_SOURCEVERSIONMESSAGE,
      author: env.BUILD_REQUESTEDFOR,
      repository: env.BUILD_REPOSITORY_URI,
      // A project's name may have blanks in it.
      ci_url: `${env.SYSTEM_COLLECTIONURI}${encodeURIComponent(env.SYSTEM_TEAMPROJECT)}/_build/results?buildId=${env.BUILD_BUILDID}`,
    }),
  ],
  [
    'BUILDKITE',
    (env) => ({
      commit: env.BUILDKITE_COMMIT,
      branch: env.BUILDKITE_BRANCH,
      message: env.BUILDKITE_MESSAGE,
      author: env.BUILDKITE_BUILD_AUTHOR || env.BUILDKITE_BUILD_CREATOR,
      repository: env.BUILDKITE_REPO,
      ci_url: env.BUILDKITE_BUILD_URL,
    }),
  ],
  [
    'TRAVIS',
    (env) => ({
      commit: env.TRAVIS_COMMIT,
      branch: env.TRAVIS_PULL_REQUEST_BRANCH || env.TRAVIS_BRANCH,
      message: env.TRAVIS_COMMIT_MESSAGE,
      repository: env.TRAVIS_REPO_SLUG && `https://github.com/${env.TRAVIS_REPO_SLUG}`,
      ci_url: env.TRAVIS_BUILD_WEB_URL,
    }),
  ],
  [
    'CODEBUILD_BUILD_ID',
    (env) => ({
      commit: env.CODEBUILD_RESOLVED_SOURCE_VERSION,
      branch: env.CODEBUILD_WEBHOOK_HEAD_REF,
      repository: env.CODEBUILD_SOURCE_REPO_URL,
      ci_url: env.CODEBUILD_PUBLIC_BUILD_URL || codeBuildPage(env),
    }),
  ],
  [
    'JENKINS_URL',
    (env) => ({
      commit: env.GIT_COMMIT,
      branch: env.BRANCH_NAME || env.GIT_BRANCH,
      repository: env.GIT_URL,
      ci_url: env.BUILD_URL,
    }),
  ],
];

function codeBuildPage(env) {
  const [project] = env.CODEBUILD_BUILD_ID.split(':');
  const id = encodeURIComponent(env.CODEBUILD_BUILD_ID);
  return `https://${env.AWS_REGION}.console.aws.amazon.com/codesuite/codebuild/projects/${project}/build/${id}`;
}

/**
 * Describe the build: commit, branch, message, author, repository, ci_url, as far as they are known.
 *
 * @param {Record<string, string|undefined>} env
 * @param {string} folder of the service
 * @returns {Promise<Record<string, string>>}
 */
async function describeBuild(env, folder) {
  const [, read] = SYSTEMS.find(([variable]) => env[variable]) ?? [null, () => ({})];
  const told = { ...read(env) };
  if (!/^[0-9a-f]{7,64}$/i.test(told.commit ?? '')) delete told.commit; // Buildkite may say HEAD
  const known = { ...(await askGit(folder, told.commit ?? 'HEAD')), ...present(told) };
  return tidy(known);
}

function present(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

function tidy({ branch, repository, message, ...others }) {
  const whole = {
    ...others,
    branch: branch?.replace(/^refs\/(heads|tags)\//, '').replace(/^origin\//, ''),
    repository: repository && withoutCredentials(repository),
    message: message && cut(message.trim().split('\n')[0], LONGEST_MESSAGE),
  };
  return Object.fromEntries(
    Object.entries(present(whole)).map(([key, value]) => [key, cut(value, LONGEST[key])]),
  );
}

/** Leave no half of a sign at the end, such as of an emoji: SAH could not read the report. */
function cut(text, longest) {
  return text.slice(0, longest).replace(/[\uD800-\uDBFF]$/, '');
}

/** CI systems clone with a token in the address; it must not leave the machine. */
function withoutCredentials(address) {
  return address.replace(/^([a-z+]+:\/\/)[^/]*@/i, '$1');
}

async function askGit(folder, commit) {
  const [log, branch, repository] = await Promise.all([
    git(folder, 'log', '-1', '--format=%H%n%an%n%s', commit, '--'),
    git(folder, 'symbolic-ref', '--short', '--quiet', 'HEAD'),
    git(folder, 'remote', 'get-url', 'origin'),
  ]);
  const [hash, author, message] = log.split('\n');
  return present({ commit: hash, author, message, branch, repository });
}

async function git(folder, ...args) {
  try {
    const done = await promisify(execFile)('git', ['-C', folder, ...args], {
      timeout: GIT_TIMEOUT_MS,
    });
    return done.stdout.trim();
  } catch {
    return ''; // no git, or no repository
  }
}

module.exports = { describeBuild };
